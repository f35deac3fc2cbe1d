// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "store/checkpoint_store.h"
#include "store/key_source.h"

namespace reprise::cli {
namespace {

Result<int> rotate_key(const std::string& wanted, Context& context) {
  REPRISE_TRY(store::check_exists(context.node.store), "cannot give the store another key");
  const auto file = wanted.empty() ? std::nullopt : std::optional<std::filesystem::path>(wanted);
  const auto now =
      REPRISE_TRY(store::rotate_key(context.node.store, file), "cannot give the store another key");
  if (file)
    context.io.out << "the store opens with '" << now.string()
                   << "' now: set REPRISE_KEY_FILE, or put it where the old key was\n";
  else
    context.io.out << "'" << now.string() << "' is a new key\n";
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto file = std::make_shared<std::string>();
  arguments.add_option("FILE", *file,
                       "put the new key here, or take it from here, instead of replacing");
  return [file](Context& context) { return rotate_key(*file, context); };
}

}  // namespace

constinit const Command kStoreRotateKey = {
    .path = "store rotate-key",
    .summary = "Wrap the store's keys with another key",
    .details =
        R"(No data is written again, and the old key opens the store no longer. The present key is the one
that REPRISE_KEY_FILE, REPRISE_KEY or REPRISE_KEY_COMMAND names, else /etc/reprise/store.key. Containers
may be stopped and started meanwhile. After a kill, the same command goes on.

Example:
  reprise store rotate-key)",
    .configure = configure,
};

}  // namespace reprise::cli
