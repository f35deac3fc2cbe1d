// SPDX-License-Identifier: Apache-2.0
//
// Strong types for the names that must not be mixed up. An id is made of text that was checked, or
// at random, or is empty: whoever gets one may make a file name of it without a look.
#pragma once

#include <algorithm>
#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace reprise::base {

namespace internal {

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::size_t kLongestName = 128;

// See parse_id().
constexpr bool is_id(std::string_view text) {
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
  };
  return !text.empty() && text.size() <= kLongestName && text.front() != '.' &&
         text.front() != '-' && std::ranges::all_of(text, allowed);
}

// See KeyName.
constexpr bool is_key_name(std::string_view text) {
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || std::string_view("_.:@-").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, allowed);
}

// See ContainerKey.
constexpr bool is_container_key(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  const std::size_t slash = text.rfind('/');
  if (slash == 0) return false;
  const std::string_view last = slash == std::string_view::npos ? text : text.substr(slash + 1);
  return last.starts_with('@') ? is_key_name(last.substr(1)) : is_id(last);
}

[[nodiscard]] Error no_name(std::string_view text);

}  // namespace internal

// A text that the compiler has checked, so that constants need no parse().
template <typename Tag>
class IdLiteral {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): as std::format_string
  consteval IdLiteral(const char* text) : text_(text) {
    if (!Tag::allows(text_)) throw "this is no such id";
  }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// A string that is only ever one kind of name. `Tag` makes the types distinct, and says which texts
// are such names.
template <typename Tag>
class Id {
 public:
  Id() = default;  // none
  // kInvalidInput for a text that is none; also for an empty one.
  static Result<Id> parse(std::string_view text) {
    if (!Tag::allows(text)) return std::unexpected(internal::no_name(text));
    return Id(Checked{}, std::string(text));
  }
  // As parse(), but an empty text is none.
  static Result<Id> parse_optional(std::string_view text) {
    return text.empty() ? Result<Id>(Id()) : parse(text);
  }
  // A fresh one, as random_id().
  static Id random()
    requires(Tag::kRandom);
  explicit Id(IdLiteral<Tag> literal) : value_(literal.text()) {}

  [[nodiscard]] const std::string& str() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  struct Checked {};
  Id(Checked, std::string value) : value_(std::move(value)) {}

  std::string value_;
};

struct ContainerIdTag {
  static constexpr bool kRandom = false;
  static constexpr bool allows(std::string_view text) { return internal::is_id(text); }
};
struct ContainerKeyTag {
  static constexpr bool kRandom = false;
  static constexpr bool allows(std::string_view text) { return internal::is_container_key(text); }
};
struct KeyNameTag {
  static constexpr bool kRandom = false;
  static constexpr bool allows(std::string_view text) { return internal::is_key_name(text); }
};
struct CheckpointIdTag {
  static constexpr bool kRandom = true;
  static constexpr bool allows(std::string_view text) { return internal::is_id(text); }
};
struct SessionIdTag {
  static constexpr bool kRandom = true;
  static constexpr bool allows(std::string_view text) { return internal::is_id(text); }
};

using ContainerId = Id<ContainerIdTag>;  // the OCI runtime's
// The identity that outlives the id: an id, or "@NAME", below any but the usual root of the runtime
// as "SCOPE/ID". Not a file name.
using ContainerKey = Id<ContainerKeyTag>;
using KeyName = Id<KeyNameTag>;  // of a container: 1 to 128 of [A-Za-z0-9_.:@-]
using CheckpointId = Id<CheckpointIdTag>;
using SessionId = Id<SessionIdTag>;

// In the scope of a root of the runtime; empty for the usual one, and without a NUL. None for none.
ContainerKey key_in(std::string_view scope, const ContainerId& id);
ContainerKey key_in(std::string_view scope, const KeyName& name);

// A fresh id: 12 lower-case letters and digits, the first of them a letter, from the kernel's
// random source (62 bits and more, so ids of one host never meet in practice).
// Ends the process if getrandom(2) fails, which it cannot on a booted Linux.
std::string random_id();

// Checks that `text` can be used as an id: 1 to 128 of [A-Za-z0-9_.-], not starting with '.' or
// '-'. Ids become file names, so nothing else may pass. kInvalidInput otherwise.
Result<std::string> parse_id(std::string_view text);

template <typename Tag>
Id<Tag> Id<Tag>::random()
  requires(Tag::kRandom)
{
  return Id(Checked{}, random_id());
}

}  // namespace reprise::base
