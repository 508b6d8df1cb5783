#ifndef SIEVE_H
#define SIEVE_H

#include <stdbool.h>
#include <stddef.h>

/* Sets is_prime[n] for each n below `limit`. False if there is none to set. */
bool sieve(bool *is_prime, size_t limit);

#endif
