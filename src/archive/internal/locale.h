// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <locale.h>

namespace reprise::archive {

// libarchive translates names between pax headers (UTF-8) and the thread's locale, and gives none
// where it cannot. In C.UTF-8 nothing needs translating; bytes that are no UTF-8 come as they are.
class Utf8Locale {
 public:
  Utf8Locale() : previous_(::uselocale(locale())) {}
  ~Utf8Locale() { ::uselocale(previous_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t locale() {
    static const locale_t kUtf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kUtf8;
  }
  locale_t previous_;
};

}  // namespace reprise::archive
