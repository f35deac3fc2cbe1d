// SPDX-License-Identifier: Apache-2.0
//
// A secret that is text, on its way to where it is used.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reprise::crypto {

// Wiped when it goes, and so is each copy. It lies in ordinary memory, which may be swapped: what
// is kept for long belongs into a Secret.
class SecretText {
 public:
  SecretText() = default;
  // The caller wipes its own.
  explicit SecretText(std::string_view text) : text_(text.begin(), text.end()) {}
  SecretText(const SecretText&) = default;
  SecretText(SecretText&& other) noexcept : text_(std::exchange(other.text_, {})) {}
  // What was here goes with `gone`, whole.
  SecretText& operator=(const SecretText& other) {
    SecretText gone(other);
    text_.swap(gone.text_);
    return *this;
  }
  SecretText& operator=(SecretText&& other) noexcept {
    SecretText gone(std::move(other));
    text_.swap(gone.text_);
    return *this;
  }
  ~SecretText();

  [[nodiscard]] std::string_view view() const { return {text_.data(), text_.size()}; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  // No std::string: a short one is copied when it is moved, and stays behind.
  std::vector<char> text_;
};

using base::Result;

// The text of a small file, without white space at its end. kDenied: it is another user's, or can
// be read by others (the hint is the remedy). kInvalidInput: it is empty, too large, or no file.
Result<SecretText> read_secret_file(const std::string& file);

}  // namespace reprise::crypto
