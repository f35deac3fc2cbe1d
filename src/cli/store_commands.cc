// SPDX-License-Identifier: Apache-2.0
//
// `reprise store …`: what the store takes, and how to keep it well.
#include <fmt/format.h>

#include <memory>
#include <set>

#include "cli/command.h"
#include "cli/each.h"
#include "cli/json.h"
#include "cli/output.h"
#include "crypto/keys.h"
#include "store/catalog.h"
#include "store/checkpoint_store.h"
#include "store/key_source.h"

namespace reprise::cli {
namespace {

using base::ErrorCode;

Result<std::unique_ptr<store::CheckpointStore>> open(const Context& context) {
  return store::open_store(context.layout.store);
}

// --- stat

double percent(std::uint64_t part, std::uint64_t whole) {
  constexpr double kWhole = 100;
  return whole == 0 ? 0 : kWhole * static_cast<double>(part) / static_cast<double>(whole);
}

Result<int> stat(bool json, Context& context) {
  const store::StoreUse use = REPRISE_PASS(REPRISE_PASS(open(context))->use());
  if (json) {
    print_json(context.io.out, {{"checkpoints", use.checkpoints},
                                {"packs", use.packs},
                                {"logical_bytes", use.logical_bytes},
                                {"unique_bytes", use.unique_bytes},
                                {"stored_bytes", use.stored_bytes}});
    return kDone;
  }
  context.io.out << fmt::format(
      "checkpoints  {}\nlogical      {}\nunique       {}\nstored       {} in {} packs, {:.1f} % of "
      "logical\n",
      use.checkpoints, format_bytes(use.logical_bytes), format_bytes(use.unique_bytes),
      format_bytes(use.stored_bytes), use.packs, percent(use.stored_bytes, use.logical_bytes));
  return kDone;
}

Runner configure_stat(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return stat(*json, context); };
}

// --- gc

Result<int> gc(Context& context) {
  const auto opened = REPRISE_PASS(open(context));
  REPRISE_PASS(opened->sweep());
  const store::Collected collected = REPRISE_PASS(opened->collect());
  context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
  if (collected.waiting > 0)
    context.io.out << collected.waiting
                   << " packs are kept until the sessions that run now have ended\n";
  return kDone;
}

Runner configure_gc(CLI::App&) {
  return [](Context& context) { return gc(context); };
}

// --- repair

// What is in the store and not in the catalog, and the other way round.
Result<void> repair_catalog(store::CheckpointStore& checkpoints, Context& context) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  std::set<base::CheckpointId> known;
  const auto ids = REPRISE_PASS(checkpoints.list());
  for (const store::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints())) known.insert(row.id);
  for (const base::CheckpointId& id : ids) {
    if (known.erase(id) > 0) continue;
    const auto manifest = checkpoints.manifest(id);
    if (!manifest) {
      context.io.err << id.str() << ": " << manifest.error().message() << '\n';
      continue;
    }
    REPRISE_PASS(catalog.add_checkpoint(*manifest, "", store::Catalog::Continue::kNo));
    context.io.out << id.str() << ": back in the catalog\n";
  }
  for (const base::CheckpointId& id : known) {
    REPRISE_PASS(catalog.remove_checkpoint(id));
    context.io.out << id.str() << ": out of the catalog, since the store has no such checkpoint\n";
  }
  return {};
}

Result<int> repair(Context& context) {
  const auto opened = REPRISE_PASS(open(context));
  REPRISE_PASS(opened->sweep());
  const store::Rebuilt rebuilt = REPRISE_PASS(opened->rebuild_index());
  context.io.out << "index made anew: " << rebuilt.pages << " pages\n";
  for (const std::string& pack : rebuilt.damaged)
    context.io.err << "pack '" << pack
                   << "' is damaged: 'reprise checkpoint verify --all' names who needs it\n";
  REPRISE_PASS(repair_catalog(*opened, context));
  return rebuilt.damaged.empty() ? kDone : kNotAsAsked;
}

Runner configure_repair(CLI::App&) {
  return [](Context& context) { return repair(context); };
}

// --- rotate-key

Result<int> rotate_key(const std::string& file, Context& context) {
  const auto old_key = REPRISE_PASS(store::load_or_create_key(context.layout.store));
  const Result<void> made = crypto::create_key_file(file);
  // There already: a key of the administrator's, or a rotation that was interrupted.
  if (!made && made.error().code() != ErrorCode::kInvalidInput)
    return std::unexpected(made.error());
  const auto new_key =
      REPRISE_PASS(crypto::load_key({.kind = crypto::KeySource::Kind::kFile, .value = file}));
  const auto directory = context.layout.store / "keys";
  for (const std::string& tenant : REPRISE_PASS(crypto::tenants(directory)))
    REPRISE_PASS(crypto::rewrap_tenant(directory, tenant, old_key, new_key));
  context.io.out << "the store opens with '" << file
                 << "' now: move it to where the old key was, or set REPRISE_KEY_FILE\n";
  return kDone;
}

Runner configure_rotate_key(CLI::App& app) {
  auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "file of the new key; made if it is not there")->required();
  return [file](Context& context) { return rotate_key(*file, context); };
}

}  // namespace

constinit const Command kStoreStat = {
    .path = "store stat",
    .summary = "Say what the store takes",
    .details =
        R"(Logical is the size of all checkpoints, unique that of their different pages, stored what
lies on the disk, compressed and encrypted.

Example:
  reprise store stat --json)",
    .configure = configure_stat,
};

constinit const Command kStoreGc = {
    .path = "store gc",
    .summary = "Free what no checkpoint needs",
    .details = R"(Sessions may run meanwhile. Stops and removals do it by themselves.

Example:
  reprise store gc)",
    .configure = configure_gc,
};

constinit const Command kStoreRepair = {
    .path = "store repair",
    .summary = "Make index and catalog anew from what is stored",
    .details =
        R"(Reads all packs. Tags, histories and what containers continue from are only in the catalog.

Example:
  reprise store repair)",
    .configure = configure_repair,
};

constinit const Command kStoreRotateKey = {
    .path = "store rotate-key",
    .summary = "Wrap the store's keys with another key",
    .details =
        R"(No data is written again, and the old key opens the store no longer. The present key is the one
that REPRISE_KEY_FILE, REPRISE_KEY or REPRISE_KEY_COMMAND names, else /etc/reprise/store.key.

Example:
  reprise store rotate-key /etc/reprise/store.key.new)",
    .configure = configure_rotate_key,
};

}  // namespace reprise::cli
