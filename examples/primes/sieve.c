#include "sieve.h"

bool sieve(bool *is_prime, size_t limit)
{
    if (is_prime == NULL)
        return false;
    for (size_t n = 0; n < limit; n++)
        is_prime[n] = n >= 2;
    for (size_t n = 2; n * n < limit; n++)
        for (size_t multiple = n * n; is_prime[n] && multiple < limit; multiple += n)
            is_prime[multiple] = false;
    return true;
}
