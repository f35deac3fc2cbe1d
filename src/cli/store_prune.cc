// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/prune_remote.h"
#include "operations/containers.h"
#include "store/open_catalog.h"
#include "store/prune.h"

namespace reprise::cli {
namespace {

struct Options {
  config::Retention wanted;  // what is not set is the configuration's
  bool requested = false;
  bool dry_run = false;
  bool json = false;
  std::optional<std::string> remote;
};

catalog::Retention policy_of(const Options& options, const config::Retention& configured) {
  catalog::Retention policy = options.wanted.over(configured).policy();
  policy.requested = options.requested || configured.policy().requested;
  return policy;
}

void print(Context& context, const Options& options, const catalog::Decision& decision,
           const store::Collected& collected) {
  for (const catalog::Removal& removal : decision.removals)
    context.io.out << removal.id.str() << ": " << (options.dry_run ? "would be removed" : "removed")
                   << ", "
                   << (removal.why == catalog::Why::kSuperseded ? "superseded"
                                                                : "the store is too large")
                   << '\n';
  if (!options.dry_run && !options.remote)
    context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
}

void print_as_json(Context& context, const Options& options, const catalog::Decision& decision,
                   const store::Collected& collected) {
  Json removed = Json::array();
  for (const catalog::Removal& removal : decision.removals)
    removed.push_back({{"id", removal.id.str()}, {"why", catalog::to_string(removal.why)}});
  print_json(context.io.out, {{"dry_run", options.dry_run},
                              {"removed", std::move(removed)},
                              {"fits", decision.fits},
                              {"freed_bytes", collected.bytes},
                              {"freed_packs", collected.packs}});
}

Result<int> run_there(const Options& options, Context& context) {
  const operations::OpenRemote remote =
      REPRISE_PASS(operations::open_to_change(context.node, *options.remote));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.node.store));
  const config::Config config = REPRISE_PASS(context.config);
  catalog::Retention policy = policy_of(options, config.retention);
  // That of the configuration is for the store here.
  if (!options.wanted.max_size) policy.max_bytes.reset();
  const catalog::Decision decision =
      REPRISE_PASS(prune_remote(context, catalog, remote, policy, options.dry_run));
  (options.json ? print_as_json : print)(context, options, decision, {});
  if (!options.json && !options.dry_run && !decision.removals.empty())
    context.io.out << "'reprise store gc --remote " << remote.name << "' frees what they took\n";
  return kDone;
}

Result<int> run(const Options& options, Context& context) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  if (const auto done = options.dry_run ? Result<void>() : operations::forget_gone(catalog); !done)
    context.io.err << "warning: those of containers that are gone stay: " << done.error().message()
                   << '\n';
  const auto checkpoints = REPRISE_PASS(store::open_store(context.node.store));
  const config::Config config = REPRISE_PASS(context.config);
  const catalog::Decision decision = REPRISE_PASS(store::prune(
      catalog, *checkpoints, policy_of(options, config.retention), {.dry_run = options.dry_run}));
  store::Collected collected;
  if (!options.dry_run) {
    REPRISE_PASS(checkpoints->sweep());
    collected = REPRISE_PASS(checkpoints->collect(kGcPatience));
  }
  (options.json ? print_as_json : print)(context, options, decision, collected);
  if (decision.fits) return kDone;
  context.io.err << "all that is left is needed, and takes " << format_bytes(decision.bytes)
                 << ": unpin, untag or remove checkpoints, or allow more\n";
  return kNotAsAsked;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  config::Retention& wanted = options->wanted;
  arguments.add_option("--keep-last", wanted.keep_last,
                       "so many of each container, the newest (1)");
  arguments.add_option("--keep-hourly", wanted.keep_hourly,
                       "besides, the newest of so many hours (0)");
  arguments.add_option("--keep-daily", wanted.keep_daily,
                       "besides, the newest of so many days, UTC (0)");
  arguments.add_option(
      "--max-size",
      [&wanted](const std::string& text) -> Result<void> {
        wanted.max_size = REPRISE_PASS(config::parse_bytes(text));
        return {};
      },
      "what the store may take: \"200GiB\", \"1.5 TB\"");
  arguments.add_flag("--requested", options->requested,
                     "remove also those that somebody asked for or imported");
  arguments.add_flag("--dry-run", options->dry_run, "say what would be removed");
  arguments.add_flag("--json", options->json, "print JSON");
  arguments.add_option("--remote", options->remote,
                       "remove what this store pushed to this remote, by name or URL, instead");
  return [options](Context& context) {
    return options->remote ? run_there(*options, context) : run(*options, context);
  };
}

}  // namespace

constinit const Command kStorePrune = {
    .path = "store prune",
    .summary = "Remove checkpoints that newer ones have superseded",
    .details =
        R"(What is not said here is as configured (docs/configuration.md). Pinned and tagged checkpoints stay, and
those that a container continues from, if it still exists. Above --max-size
others go, the oldest first: those that a remote has as well, and then the rest, but of these never
the newest one of a container. The exit status is 1 if more than that must stay.

At a remote nothing is removed on its own: with --remote, what this store pushed there is, as if it
were here, without a maximum; 'reprise store gc --remote' then frees the space.

Example:
  reprise store prune --keep-last 3 --keep-daily 7 --max-size 200GB --dry-run
  reprise store prune --remote depot --keep-last 5 --keep-daily 30)",
    .configure = configure,
};

}  // namespace reprise::cli
