// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "crypto/keys.h"
#include "store/key_source.h"
#include "sys/files.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

// Wraps every tenant's secret with the key in `file`, which is made if it is not there. It may be:
// a key of the administrator's, or that of a rotation that was interrupted; then this one ends it.
Result<void> rewrap_all(const std::filesystem::path& root, const std::string& file) {
  const auto old_key = REPRISE_PASS(store::load_or_create_key(root));
  const Result<void> made = crypto::create_key_file(file);
  if (!made && made.error().code() != ErrorCode::kInvalidInput)
    return std::unexpected(made.error());
  const auto new_key =
      REPRISE_PASS(crypto::load_key({.kind = crypto::KeySource::Kind::kFile, .value = file}));
  const auto directory = root / "keys";
  for (const std::string& tenant : REPRISE_PASS(crypto::tenants(directory)))
    REPRISE_PASS(crypto::rewrap_tenant(directory, tenant, old_key, new_key));
  return {};
}

Result<int> rotate_key(const std::string& wanted, Context& context) {
  const crypto::KeySource source = store::key_source(context.layout.store);
  const bool replace = wanted.empty();
  if (replace && source.kind != crypto::KeySource::Kind::kFile)
    return std::unexpected(Error(ErrorCode::kInvalidInput, "the store's key is not in a file")
                               .with_hint("name a file for the new one"));
  const std::string file = replace ? source.value + ".new" : wanted;
  REPRISE_TRY(rewrap_all(context.layout.store, file), "cannot rotate the key");
  if (replace) {
    REPRISE_TRY(sys::rename_durably(file, source.value), "cannot rotate the key");
    context.io.out << "'" << source.value << "' is a new key\n";
  } else {
    context.io.out << "the store opens with '" << file
                   << "' now: set REPRISE_KEY_FILE, or put it where the old key was\n";
  }
  return kDone;
}

Runner configure(CLI::App& app) {
  auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "put the new key here, or take it from here, instead of replacing");
  return [file](Context& context) { return rotate_key(*file, context); };
}

}  // namespace

constinit const Command kStoreRotateKey = {
    .path = "store rotate-key",
    .summary = "Wrap the store's keys with another key",
    .details =
        R"(No data is written again, and the old key opens the store no longer. The present key is the one
that REPRISE_KEY_FILE, REPRISE_KEY or REPRISE_KEY_COMMAND names, else /etc/reprise/store.key.

Example:
  reprise store rotate-key)",
    .configure = configure,
};

}  // namespace reprise::cli
