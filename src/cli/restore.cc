// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/start.h"
#include "cli/transfer.h"
#include "operations/clone.h"
#include "operations/containers.h"
#include "podman/client.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

struct Options {
  std::string subject;
  std::string from;  // a remote
  operations::CloneWishes wishes{.podman_errors = podman::ErrorOutput::kPass};
  std::vector<std::string> more;  // what stands after "--"
};

// Options of `podman create` that restore knows by name; others go after "--".
struct PassedOption {
  const char* flags;
  const char* what;
};
constexpr std::array<PassedOption, 8> kPassedOptions = {{
    {"--memory,-m", "limit of memory, such as 512m"},
    {"--memory-swap", "limit of memory and swap together"},
    {"--cpus", "limit of CPU time, such as 1.5"},
    {"--cpuset-cpus", "CPUs it may run on, such as 0-3"},
    {"--pids-limit", "limit of processes and threads"},
    {"--publish,-p", "ports, instead of those of the original; may be given more than once"},
    {"--hostname", "host name"},
    {"--ip", "address"},
}};

std::string long_form(const PassedOption& option) {
  const std::string flags = option.flags;
  return flags.substr(0, flags.find(','));
}

Result<operations::VolumeWish> parse_volume_wish(const std::string& text) {
  if (text == "fill") return operations::VolumeWish::kFill;
  if (text == "overwrite") return operations::VolumeWish::kOverwrite;
  if (text == "keep") return operations::VolumeWish::kKeep;
  return base::fail(ErrorCode::kInvalidInput, "'" + text + "' is not one of fill, overwrite, keep");
}

// The newest checkpoint of a container, also of one that is gone.
Result<catalog::CheckpointRow> newest_of(catalog::Catalog& catalog, const std::string& name) {
  std::vector<catalog::CheckpointRow> rows;
  for (const base::ContainerKey& key : REPRISE_PASS(operations::find_keys(catalog, name)))
    if (rows.empty()) rows = REPRISE_PASS(catalog.checkpoints(key));
  if (!rows.empty()) return std::move(rows.front());
  return std::unexpected(Error(ErrorCode::kNotFound, "container '" + name + "' has no checkpoint")
                             .with_hint("'reprise checkpoint ls' lists those that there are"));
}

Result<catalog::CheckpointRow> find_subject(catalog::Catalog& catalog, const std::string& subject) {
  const auto row = catalog.find_checkpoint(subject);
  if (row) return *row;
  auto newest = newest_of(catalog, subject);
  if (newest) return newest;
  // An ambiguous id or an error of the catalog says more than that no container has this name.
  if (row.error().code() != ErrorCode::kNotFound) return std::unexpected(row.error());
  if (newest.error().code() != ErrorCode::kNotFound || !newest.error().hint().empty())
    return newest;
  return std::unexpected(
      Error(ErrorCode::kNotFound, "there is no checkpoint and no container of that name")
          .with_hint("'reprise checkpoint ls' lists checkpoints"));
}

// Fetched from a remote first, as far as it is not here.
Result<catalog::CheckpointRow> fetch_subject(Context& context, catalog::Catalog& catalog,
                                             const Options& options) {
  const OpenRemote remote = REPRISE_PASS(open_named(context, options.from));
  const operations::Work work(context.progress, "pulling");
  const transfer::Pulled pulled = REPRISE_PASS(
      pull(context, catalog, options.subject, remote, line_of_bytes(context.progress)));
  return catalog.find_checkpoint(pulled.manifest.id.str());
}

// The container whose ordinary start continues from this checkpoint.
Result<std::optional<podman::ContainerInfo>> waiting_container(
    catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint) {
  const auto continuation = REPRISE_PASS(catalog.continuation(checkpoint.key));
  if (!continuation || continuation->checkpoint != checkpoint.id) return std::nullopt;
  auto info = REPRISE_PASS(operations::container_with(catalog, checkpoint.key));
  if (info && info->has_tasks()) info.reset();
  return info;
}

Result<int> restore(const Options& options, Context& context) {
  // A machine whose first checkpoint comes from elsewhere has no store yet.
  const auto open = options.from.empty() ? store::open_existing_catalog : store::open_catalog;
  catalog::Catalog catalog = REPRISE_PASS(open(context.node.store));
  const catalog::CheckpointRow checkpoint =
      options.from.empty() ? REPRISE_PASS(find_subject(catalog, options.subject))
                           : REPRISE_PASS(fetch_subject(context, catalog, options));
  const auto waiting = REPRISE_PASS(waiting_container(catalog, checkpoint));
  const std::string& name = options.wishes.name;
  // Other limits need a container that is made with them.
  const bool as_it_is = options.wishes.options.empty();
  if (waiting && as_it_is && (name.empty() || name == waiting->name)) {
    // The runtime finds damage too, but then starts cold, which somebody who names a checkpoint
    // does not want: a program that begins anew may overwrite what its volumes hold.
    const auto checkpoints = REPRISE_PASS(store::open_store(context.node.store));
    REPRISE_PASS(checkpoints->verify(checkpoint.id));
    const operations::StartOutcome outcome =
        REPRISE_PASS(operations::start_container(catalog, *waiting, context.progress));
    print_start(context.io, waiting->name, outcome);
    return outcome.restored ? kDone : kNotAsAsked;
  }
  const operations::CloneOutcome clone = REPRISE_PASS(
      operations::clone_from(context.node, catalog, checkpoint, options.wishes, context.progress));
  print_start(context.io, clone.container.name, clone.start);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments
      .add_option(
          "SUBJECT", options->subject,
          "a checkpoint (id, unique beginning of one, tag), or a container, which stands for "
          "its newest checkpoint")
      .required();
  arguments.add_option(
      "--from", options->from,
      "fetch the checkpoint from this remote first; SUBJECT is what it is called there");
  arguments.add_option("--name", options->wishes.name, "make a new container of this name");
  arguments.add_option(
      "--volumes",
      [options](const std::string& text) -> Result<void> {
        options->wishes.volumes = REPRISE_PASS(parse_volume_wish(text));
        return {};
      },
      "volumes that exist and whose contents the checkpoint holds: 'fill' (the default) "
      "refuses those that hold something else, 'overwrite'; 'keep' leaves these and all "
      "others as they are, also where others write to them or the files are newer");
  for (const PassedOption& option : kPassedOptions)
    arguments
        .add_list(
            option.flags,
            [options, name = long_form(option)](const std::vector<std::string>& values) {
              for (const std::string& value : values)
                options->wishes.options.push_back(name + "=" + value);
            },
            option.what)
        .takes_one();
  arguments.add_option("PODMAN-OPTIONS", options->more,
                       "after '--': further options of 'podman create' for the new container");
  return [options](Context& context) -> Result<int> {
    auto& all = options->wishes.options;
    all.insert(all.end(), options->more.begin(), options->more.end());
    return REPRISE_TRY(restore(*options, context), "cannot restore '" + options->subject + "'");
  };
}

}  // namespace

constinit const Command kRestore = {
    .path = "restore",
    .summary = "Make a container run from a checkpoint",
    .details =
        R"(A stopped container that waits for this very checkpoint is started. Otherwise the container is
made again by the command that made it first, under its old name or that of --name, with its files
as they were; a stopped container of that name is replaced. Options change what it is made with, and
its limits hold from the first moment. What only one container can have (--ip, --mac-address,
published host ports) a clone beside its original does not take over, and says so. Inode numbers are
new. Every byte of the checkpoint is verified first. If it cannot be restored after all, a new
container is removed again, and one that was merely started does not run.

A checkpoint that was imported or pulled brings no mounts, networks, limits or rights of its own:
what its container needs is given after '--', such as '--volume /data:/data'. Mounts that are missing
are named. Its images are compared with what the new container may have; those that ask for more
(capabilities, system calls, mounts, devices, namespaces, cgroups, limits) are refused by name, and
its processes are under the seccomp filter of the new container in any case.

Example:
  reprise restore before-upgrade --name counter-2
  reprise restore counter --name counter-3 --memory 2g --cpus 1.5 -- --label copy=yes)",
    .configure = configure,
};

}  // namespace reprise::cli
