"""batchd's HTTP contract beneath /batchd/, for programs that were written for it."""
