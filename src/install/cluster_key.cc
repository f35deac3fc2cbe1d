// SPDX-License-Identifier: Apache-2.0
#include "install/cluster_key.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/scope_exit.h"
#include "crypto/aead.h"
#include "crypto/hex.h"
#include "crypto/keys.h"
#include "crypto/secret.h"
#include "json/reader.h"
#include "kube/base64.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::install {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using crypto::SecretText;

namespace {

constexpr const char* kEntry = "key";

Result<SecretText> text_in(const nlohmann::json& secret, const std::string& name) {
  const auto data = secret.find("data");
  if (data != secret.end() && data->is_object() && data->contains(kEntry) &&
      (*data)[kEntry].is_string()) {
    auto text = kube::from_base64((*data)[kEntry].get_ref<const std::string&>());
    if (text) return SecretText(*text);
  }
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "Secret '" + name + "' has no entry 'key'")
          .with_hint("remove it if no node has saved anything yet; else put the nodes' store key, "
                     "'/etc/reprise/store.key', back into it"));
}

Result<nlohmann::json> new_secret(const std::string& name) {
  const crypto::Secret key = REPRISE_PASS(crypto::Secret::random(crypto::kKeyBytes));
  return nlohmann::json{{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"metadata", {{"name", name}}},
                        {"type", "Opaque"},
                        {"stringData", {{kEntry, crypto::to_hex(key.view())}}}};
}

Result<std::string> id_of(const std::filesystem::path& file) {
  const crypto::Secret key = REPRISE_PASS(
      crypto::load_key({.kind = crypto::KeySource::Kind::kFile, .value = file.string()}));
  return crypto::key_id(key);
}

}  // namespace

Result<SecretText> cluster_key(kube::Client& client, const std::string& name) {
  const std::string all = "/api/v1/namespaces/" + client.own_namespace() + "/secrets";
  auto found = client.get(all + "/" + name);
  if (!found && found.error().code() == ErrorCode::kNotFound) {
    found = client.create(all, REPRISE_PASS(new_secret(name)));
    // Another node was quicker, or the answer was lost.
    if (!found) found = client.get(all + "/" + name);
  }
  const nlohmann::json secret = REPRISE_TRY(std::move(found), "reading the cluster's store key");
  return text_in(secret, name);
}

Result<void> lay_key(const SecretText& key, const std::filesystem::path& file) {
  const std::filesystem::path given = file.string() + ".cluster";
  REPRISE_PASS(sys::make_directories(file.parent_path(), 0755));
  const base::ScopeExit removes(
      [&] { base::warn_and_ignore(sys::remove_tree(given), "a copy of the cluster's key stays"); });
  REPRISE_PASS(sys::replace_file(given, key.view()));
  const std::string wanted = REPRISE_TRY(id_of(given), "reading the cluster's store key");
  const bool is_there = REPRISE_PASS(sys::exists(file));
  const std::string own =
      is_there ? REPRISE_TRY(id_of(file), "reading this node's store key") : wanted;
  if (own == wanted) {
    REPRISE_PASS(crypto::note_given_key(file, wanted));
    return is_there ? Result<void>() : sys::rename_durably(given, file);
  }
  return std::unexpected(
      Error(ErrorCode::kDenied, "this node's store key '" + file.string() + "' (" + own +
                                    ") is another than the cluster's (" + wanted + ")")
          .with_hint(
              "if nothing that the node has saved is needed any more, remove the file and "
              "'/var/lib/reprise' on the node; else make it the cluster's: kubectl -n "
              "reprise-system create secret generic reprise-store-key --from-file=key=FILE"));
}

}  // namespace reprise::install
