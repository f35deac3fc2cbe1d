// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include "cli/command.h"
#include "cli/container/start.h"
#include "operations/container/restore.h"

namespace reprise::cli {
namespace {

using base::ErrorCode;

struct Options {
  operations::RestoreRequest request{.wishes = {.podman_errors = podman::ErrorOutput::kPass}};
  std::vector<std::string> more;  // what stands after "--"
  bool json = false;
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

Result<int> restore(const Options& options, Context& context) {
  const operations::Restored restored =
      REPRISE_TRY(operations::restore(context.node, options.request, context.progress),
                  "cannot restore '" + options.request.subject + "'");
  if (options.json)
    print_json(context.io.out, start_json(restored.container, restored.start));
  else
    print_start(context.io, restored.container, restored.start);
  return restored.start.restored ? kDone : kNotAsAsked;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments
      .add_option(
          "SUBJECT", options->request.subject,
          "a checkpoint (id, unique beginning of one, tag), or a container, which stands for "
          "its newest checkpoint")
      .required();
  arguments.add_option(
      "--from", options->request.from,
      "fetch the checkpoint from this remote first; SUBJECT is what it is called there");
  arguments.add_option("--name", options->request.wishes.name, "make a new container of this name");
  arguments.add_option(
      "--volumes",
      [options](const std::string& text) -> Result<void> {
        options->request.wishes.volumes = REPRISE_PASS(parse_volume_wish(text));
        return {};
      },
      "volumes that exist and whose contents the checkpoint holds: 'fill' (the default) "
      "refuses those that hold something else, 'overwrite'; 'keep' leaves these and all "
      "others as they are, also where others write to them or the files are newer");
  arguments.add_flag("--json", options->json, "print JSON");
  for (const PassedOption& option : kPassedOptions)
    arguments
        .add_list(
            option.flags,
            [options, name = long_form(option)](const std::vector<std::string>& values) {
              for (const std::string& value : values)
                options->request.wishes.options.push_back(name + "=" + value);
            },
            option.what)
        .takes_one();
  arguments.add_option("PODMAN-OPTIONS", options->more,
                       "after '--': further options of 'podman create' for the new container");
  return [options](Context& context) -> Result<int> {
    auto& all = options->request.wishes.options;
    all.insert(all.end(), options->more.begin(), options->more.end());
    return restore(*options, context);
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
