// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "crypto/hex.h"
#include "crypto/internal/key_text.h"
#include "crypto/internal/private_file.h"
#include "crypto/keys.h"
#include "sys/child.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
namespace fs = std::filesystem;

namespace {

// A key is at most 64 characters; the rest is room for whitespace.
constexpr std::size_t kTextLimit = 512;
constexpr std::chrono::seconds kCommandTimeout(30);

std::string_view text_in(const Secret& secret, std::size_t size) {
  return {reinterpret_cast<const char*>(secret.view().data()), size};
}

Result<Secret> from_file(const fs::path& file) {
  Secret text = REPRISE_PASS(Secret::zeros(kTextLimit));
  auto size = read_private_file(file, "the key file", text.bytes());
  if (!size && size.error().code() == ErrorCode::kNotFound)
    return std::unexpected(
        std::move(size).error().with_hint("without that key its checkpoints cannot be read"));
  return REPRISE_TRY(parse_key(text_in(text, REPRISE_PASS(std::move(size)))),
                     "reading the key file '" + file.string() + "'");
}

Result<Secret> from_environment(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  if (text == nullptr)
    return fail(ErrorCode::kNotFound, "the variable '" + name + "' for the key is not set");
  return REPRISE_TRY(parse_key(text), "reading the key in the variable '" + name + "'");
}

Result<Secret> from_command(const std::string& command) {
  const std::string step = "getting the key from '" + command + "'";
  Secret text = REPRISE_PASS(Secret::zeros(kTextLimit));
  sys::SpawnOptions options;
  options.argv = {"/bin/sh", "-c", command};
  options.env = sys::default_environment();
  const std::size_t size =
      REPRISE_TRY(sys::run_into(std::move(options), kCommandTimeout, text.bytes()), step);
  return REPRISE_TRY(parse_key(text_in(text, size)), step);
}

}  // namespace

Result<Secret> load_key(const KeySource& source) {
  switch (source.kind) {
    case KeySource::Kind::kFile:
      return from_file(source.value);
    case KeySource::Kind::kEnvironment:
      return from_environment(source.value);
    case KeySource::Kind::kCommand:
      return from_command(source.value);
  }
  return fail(ErrorCode::kInternal, "an unknown kind of key source");
}

namespace {

fs::path note_of_given(const fs::path& file) { return file.string() + ".given"; }

}  // namespace

Result<void> note_given_key(const fs::path& file, const std::string& id) {
  const auto note = note_of_given(file);
  const std::string text = id + "\n";
  if (REPRISE_PASS(sys::exists(note)) && REPRISE_PASS(sys::read_file(note)) == text) return {};
  return sys::replace_file(note, text);
}

Result<void> forget_given_key(const fs::path& file) {
  return sys::remove_tree(note_of_given(file));
}

Result<void> create_key_file(const fs::path& file) {
  if (REPRISE_PASS(sys::exists(note_of_given(file))))
    return std::unexpected(
        Error(ErrorCode::kDenied,
              "the key file '" + file.string() + "', which others have as well, is gone")
            .with_hint("put it back: on a node of Kubernetes, delete the agent's pod, and the next "
                       "one lays the cluster's; only to have a key of its own made, remove '" +
                       note_of_given(file).string() + "'"));
  const Secret key = REPRISE_PASS(Secret::random(kKeyBytes));
  const Secret text = REPRISE_PASS(write_key(key));
  REPRISE_PASS(sys::make_directories_durably(file.has_parent_path() ? file.parent_path() : "."));
  return sys::create_file(file, text_in(text, text.size()));
}

}  // namespace reprise::crypto
