// SPDX-License-Identifier: Apache-2.0
//
// Part of each test with sanitizers. OpenSSL keeps the state of its random generators in the secure
// heap (crypto/secret.h), where LeakSanitizer does not look for pointers. Where curl begins OpenSSL
// before main(), OpenSSL ends after the check, and what the generators point to would count as lost.
#include <openssl/crypto.h>

#include <cstdlib>

namespace {

[[maybe_unused]] const int kRegistered = std::atexit(OPENSSL_cleanup);

}  // namespace
