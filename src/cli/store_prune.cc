// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "store/prune.h"

namespace reprise::cli {
namespace {

struct Options {
  config::Retention wanted;  // what is not set is the configuration's
  bool requested = false;
  bool dry_run = false;
  bool json = false;
};

store::Retention policy_of(const Options& options, const config::Retention& configured) {
  store::Retention policy = options.wanted.over(configured).policy();
  policy.requested = options.requested;
  return policy;
}

void print(Context& context, const Options& options, const store::Decision& decision,
           const store::Collected& collected) {
  for (const store::Removal& removal : decision.removals)
    context.io.out << removal.id.str() << ": " << (options.dry_run ? "would be removed" : "removed")
                   << ", "
                   << (removal.why == store::Why::kSuperseded ? "superseded"
                                                              : "the store is too large")
                   << '\n';
  if (!options.dry_run)
    context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
}

void print_as_json(Context& context, const Options& options, const store::Decision& decision,
                   const store::Collected& collected) {
  Json removed = Json::array();
  for (const store::Removal& removal : decision.removals)
    removed.push_back({{"id", removal.id.str()}, {"why", store::to_string(removal.why)}});
  print_json(context.io.out, {{"dry_run", options.dry_run},
                              {"removed", std::move(removed)},
                              {"fits", decision.fits},
                              {"freed_bytes", collected.bytes},
                              {"freed_packs", collected.packs}});
}

Result<int> run(const Options& options, Context& context) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open_existing(context.layout.store));
  const auto checkpoints = REPRISE_PASS(store::open_store(context.layout.store));
  const config::Config config = REPRISE_PASS(context.config);
  const store::Decision decision = REPRISE_PASS(store::prune(
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

Runner configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  config::Retention& wanted = options->wanted;
  app.add_option("--keep-last", wanted.keep_last, "so many of each container, the newest (1)");
  app.add_option("--keep-hourly", wanted.keep_hourly, "besides, the newest of so many hours (0)");
  app.add_option("--keep-daily", wanted.keep_daily, "besides, the newest of so many days, UTC (0)");
  app.add_option_function<std::string>(
      "--max-size",
      [&wanted](const std::string& text) {
        const Result<std::uint64_t> bytes = config::parse_bytes(text);
        if (!bytes) throw CLI::ValidationError("--max-size", bytes.error().message());
        wanted.max_size = *bytes;
      },
      "what the store may take: \"200GiB\", \"1.5 TB\"");
  app.add_flag("--requested", options->requested,
               "remove also those that somebody asked for or imported");
  app.add_flag("--dry-run", options->dry_run, "say what would be removed");
  app.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kStorePrune = {
    .path = "store prune",
    .summary = "Remove checkpoints that newer ones have superseded",
    .details =
        R"(What is not said here is as configured (docs/configuration.md). Pinned and tagged checkpoints stay, and those that a container continues from. Above --max-size
others go, the oldest first: those that a remote has as well, and then the rest, but of these never
the newest one of a container. The exit status is 1 if more than that must stay.

Example:
  reprise store prune --keep-last 3 --keep-daily 7 --max-size 200GB --dry-run)",
    .configure = configure,
};

}  // namespace reprise::cli
