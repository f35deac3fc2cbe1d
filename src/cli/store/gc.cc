// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/output.h"
#include "operations/store/background_gc.h"
#include "operations/store/garbage.h"

namespace reprise::cli {
namespace {

struct Options {
  bool no_compact = false;
  std::optional<std::string> remote;
  transfer::RemoteGcOptions at_remote;
  bool background = false;
};

void print_compacted(const store::Compacted& compacted, Io& io) {
  if (compacted.packs > 0)
    io.out << format_bytes(compacted.bytes) << " moved out of " << compacted.packs
           << " packs that are hardly needed\n";
  for (const std::string& pack : compacted.damaged)
    io.err << "pack '" << pack
           << "' is damaged and stays as it is: 'reprise store verify' names who needs it\n";
}

Result<int> gc(const Options& options, Context& context) {
  if (options.background) {
    REPRISE_PASS(operations::run_background_gc(context.node.layout, context.node.store));
    return kDone;
  }
  const operations::Freed freed = REPRISE_PASS(
      operations::free_garbage(context.node, options.no_compact ? operations::Compaction::kNone
                                                                : operations::Compaction::kFirst));
  if (freed.compacted) print_compacted(*freed.compacted, context.io);
  const store::Collected collected = REPRISE_PASS(freed.collected);
  context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
  if (collected.waiting > 0)
    context.io.out << collected.waiting
                   << " packs are kept until the sessions that run now have ended\n";
  return kDone;
}

Result<int> gc_there(const Options& options, Context& context) {
  const transfer::RemoteCollected collected = REPRISE_PASS(
      operations::free_remote_garbage(context.node, *options.remote, options.at_remote));
  std::ostream& out = context.io.out;
  out << format_bytes(collected.bytes)
      << (options.at_remote.dry_run ? " would be freed (" : " freed (") << collected.packs
      << " packs)\n";
  if (collected.unfinished > 0)
    out << collected.unfinished << " uploads that were never finished are given up\n";
  if (collected.young > 0)
    out << collected.young
        << " packs that nothing needs are kept, since they have not been there for long enough\n";
  if (collected.busy > 0) out << collected.busy << " packs are kept for uploads that run now\n";
  if (collected.left > 0)
    out << collected.left << " packs are left to the next 'store gc', for this one took too long\n";
  return kDone;
}

// "24h", "90min", "30 s", "7d"; a number alone is seconds.
void add_grace(Arguments& arguments, transfer::RemoteGcOptions& options, Argument remote) {
  arguments
      .add_option(
          "--grace",
          [&options](const std::string& text) -> Result<void> {
            options.grace = REPRISE_PASS(config::parse_duration(text));
            return {};
          },
          "at a remote: how long a pack must have been there, such as \"90min\" (24h)")
      .needs(remote);
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  const Argument remote = arguments.add_option("--remote", options->remote,
                                               "free what lies at this remote, by name or URL");
  const Argument no_compact = arguments
                                  .add_flag("--no-compact", options->no_compact,
                                            "leave packs of which little is needed as they are")
                                  .excludes(remote);
  arguments
      .add_flag("--background", options->background,
                "if much would become free, and out of everybody's way: what sessions start")
      .excludes(remote)
      .excludes(no_compact);
  arguments
      .add_flag("--dry-run", options->at_remote.dry_run, "at a remote: say how much would be freed")
      .needs(remote);
  add_grace(arguments, options->at_remote, remote);
  return [options](Context& context) {
    return options->remote ? gc_there(*options, context) : gc(*options, context);
  };
}

}  // namespace

constinit const Command kStoreGc = {
    .path = "store gc",
    .summary = "Free what no checkpoint needs, here or at a remote",
    .details =
        R"(Sessions may run meanwhile. Packs that nothing needs are removed; out of those of which less than
half is needed, that half is moved first. Stops and removals do the former by themselves, and after
sessions the latter is done in the background when it is worth it.

At a remote nothing is freed on its own. Other nodes may push meanwhile; packs stay there for --grace,
so that pushes that were interrupted can go on. If a checkpoint there cannot be read, nothing is freed.

Example:
  reprise store gc
  reprise store gc --remote depot --dry-run)",
    .configure = configure,
};

}  // namespace reprise::cli
