/* Prints the primes below a limit, one a line. */

#include <stdio.h>
#include <stdlib.h>

#include "sieve.h"

int main(int argc, char **argv)
{
    long limit = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (limit < 1 || limit > 1000000000) {
        fprintf(stderr, "usage: primes LIMIT (1 to 1000000000)\n");
        return 2;
    }
    bool *is_prime = malloc((size_t)limit);
    if (!sieve(is_prime, (size_t)limit)) {
        fprintf(stderr, "primes: not enough memory for %ld numbers\n", limit);
        return 1;
    }
    for (long n = 0; n < limit; n++)
        if (is_prime[n])
            printf("%ld\n", n);
    free(is_prime);
    return 0;
}
