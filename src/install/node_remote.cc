// SPDX-License-Identifier: Apache-2.0
#include "install/node_remote.h"

#include <array>

#include "json/writer.h"
#include "remote/remote_url.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::install {

using base::Error;
using base::ErrorCode;
using base::Result;
using crypto::SecretText;
using std::filesystem::path;

namespace {

constexpr const char* kMark = "# Written by 'reprise-node install', and again each time";
constexpr std::array kEntries = {"access-key", "secret-key", "session-token", "ca.crt"};
constexpr std::size_t kLongestEntry = std::size_t{1} << 20;

path remote_directory(const path& settings) { return settings / "remote"; }

Result<bool> is_ours(const path& file) {
  if (!REPRISE_PASS(sys::exists(file))) return true;
  return REPRISE_PASS(sys::read_file(file)).starts_with(kMark);
}

const SecretText* entry_of(const NodeRemote& remote, const char* name) {
  const auto found = remote.secret.find(name);
  return found == remote.secret.end() || found->second.empty() ? nullptr : &found->second;
}

// A text of JSON is one of TOML.
std::string line(const char* setting, const std::string& value) {
  return std::string(setting) + " = " + json_writer::print(nlohmann::json(value)) + "\n";
}

std::string text_of(const NodeRemote& remote, const path& secrets) {
  std::string text = std::string(kMark) + ".\n\n[remote." + kNodeRemote + "]\n" +
                     line("url", remote.url) + "upload = true\n";
  if (!remote.endpoint.empty()) text += line("endpoint", remote.endpoint);
  if (!remote.region.empty()) text += line("region", remote.region);
  if (const auto* key = entry_of(remote, "access-key"))
    text += line("access_key", std::string(key->view()));
  if (entry_of(remote, "secret-key") != nullptr)
    text += line("secret_key_file", secrets / "secret-key");
  if (entry_of(remote, "session-token") != nullptr)
    text += line("session_token_file", secrets / "session-token");
  if (entry_of(remote, "ca.crt") != nullptr) text += line("ca_file", secrets / "ca.crt");
  return text;
}

Result<void> check_credentials(const NodeRemote& remote) {
  if (!remote.url.starts_with("s3://")) return {};
  for (const char* name : {"access-key", "secret-key"})
    if (entry_of(remote, name) == nullptr)
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, "remote '" + remote.url + "' has no '" + name + "'")
              .with_hint("its Secret has entries access-key and secret-key"));
  return {};
}

Result<void> take_away(const path& settings) {
  REPRISE_PASS(sys::remove_tree(settings / "reprise.toml"));
  return sys::remove_tree(remote_directory(settings));
}

}  // namespace

Result<std::map<std::string, SecretText>> read_remote_secret(const path& directory) {
  std::map<std::string, SecretText> found;
  for (const char* name : kEntries) {
    const path file = directory / name;
    if (!REPRISE_PASS(sys::exists(file))) continue;
    std::string text = REPRISE_PASS(sys::read_file(file, kLongestEntry));
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    found.emplace(name, SecretText(text));
  }
  return found;
}

Result<void> check_place(const NodeRemote& remote) {
  if (!remote.url.empty()) REPRISE_PASS(remote::check_url(remote.url));
  if (!remote.endpoint.empty()) REPRISE_PASS(remote::check_endpoint(remote.endpoint));
  return {};
}

Result<bool> lay_remote(const NodeRemote& remote, const path& settings) {
  const path file = settings / "reprise.toml";
  if (!REPRISE_PASS(is_ours(file))) return false;
  if (remote.url.empty()) {
    if (REPRISE_PASS(sys::exists(file))) REPRISE_PASS(take_away(settings));
    return true;
  }
  REPRISE_PASS(check_place(remote));
  REPRISE_PASS(check_credentials(remote));
  const path secrets = remote_directory(settings);
  REPRISE_PASS(sys::make_directories(settings, 0755));
  REPRISE_PASS(sys::make_directories_durably(secrets));
  for (const char* name : kEntries)
    if (const auto* entry = entry_of(remote, name))
      REPRISE_PASS(sys::replace_file(secrets / name, entry->view()));
    else
      REPRISE_PASS(sys::remove_tree(secrets / name));
  REPRISE_PASS(sys::replace_file(file, text_of(remote, secrets)));
  return true;
}

}  // namespace reprise::install
