// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/store/prune.h"

namespace reprise::cli {
namespace {

struct Options {
  operations::PruneRequest request;
  bool json = false;
  std::optional<std::string> remote;
};

void print(Context& context, const Options& options, const operations::Pruned& pruned) {
  for (const catalog::Removal& removal : pruned.decision.removals)
    context.io.out << removal.id.str() << ": "
                   << (options.request.dry_run ? "would be removed" : "removed") << ", "
                   << (removal.why == catalog::Why::kSuperseded ? "superseded"
                                                                : "the store is too large")
                   << '\n';
  if (!options.request.dry_run && !options.remote)
    context.io.out << format_bytes(pruned.freed.bytes) << " freed (" << pruned.freed.packs
                   << " packs)\n";
}

void print_as_json(Context& context, const Options& options, const operations::Pruned& pruned) {
  Json removed = Json::array();
  for (const catalog::Removal& removal : pruned.decision.removals)
    removed.push_back({{"id", removal.id.str()}, {"why", catalog::to_string(removal.why)}});
  print_json(context.io.out, {{"dry_run", options.request.dry_run},
                              {"removed", std::move(removed)},
                              {"fits", pruned.decision.fits},
                              {"freed_bytes", pruned.freed.bytes},
                              {"freed_packs", pruned.freed.packs}});
}

Result<int> run_there(const Options& options, Context& context) {
  const operations::Pruned pruned =
      REPRISE_PASS(operations::prune_remote(context.node, *options.remote, options.request));
  (options.json ? print_as_json : print)(context, options, pruned);
  if (!options.json && !options.request.dry_run && !pruned.decision.removals.empty())
    context.io.out << "'reprise store gc --remote " << pruned.remote << "' frees what they took\n";
  return kDone;
}

Result<int> run(const Options& options, Context& context) {
  const operations::Pruned pruned =
      REPRISE_PASS(operations::prune(context.node, options.request, context.progress));
  (options.json ? print_as_json : print)(context, options, pruned);
  if (pruned.decision.fits) return kDone;
  context.io.err << "all that is left is needed, and takes " << format_bytes(pruned.decision.bytes)
                 << ": unpin, untag or remove checkpoints, or allow more\n";
  return kNotAsAsked;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  config::Retention& wanted = options->request.wanted;
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
  arguments.add_flag("--requested", options->request.requested,
                     "remove also those that somebody asked for or imported");
  arguments.add_flag("--dry-run", options->request.dry_run, "say what would be removed");
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
