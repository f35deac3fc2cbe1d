// SPDX-License-Identifier: Apache-2.0
#include "operations/container/clone_command.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/units.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "oci/annotations.h"
#include "operations/container/containers.h"
#include "podman/client.h"
#include "podman/command_edit.h"
#include "podman/command_line.h"
#include "podman/image.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

const std::string kFillAnnotation = std::string(oci::annotation::kFillVolumes) + "=";
const std::string kFromAnnotation = std::string(oci::annotation::kRestoredFrom) + "=";

Result<podman::RecordedCommand> recorded_command(const catalog::ContainerRow& row) {
  const auto words = json_reader::parse_or_discarded(row.create_command);
  std::vector<std::string> result = json_reader::texts_of(words);
  if (result.empty() || result.size() != words.size())
    return fail(ErrorCode::kCorrupt, "the catalog's record of the command that made '" + row.name +
                                         "' is not a JSON array of strings");
  return podman::RecordedCommand{.words = std::move(result),
                                 .image_index = static_cast<std::size_t>(row.command_image_index)};
}

// The last value of an option; with several, Podman takes the last.
std::optional<std::string> value_of(const std::vector<podman::OptionWord>& options,
                                    std::string_view long_name, char short_name) {
  std::optional<std::string> value;
  for (const podman::OptionWord& option : options)
    if (option.name == long_name ||
        (option.name.empty() && option.short_flags.ends_with(short_name)))
      value = option.value;
  return value;
}

// Page tables, kernel stacks and what else the kernel charges besides the pages themselves: 1/64,
// and 8 MiB for processes that are small.
std::uint64_t least_limit(std::uint64_t memory) {
  constexpr std::uint64_t kShare = 64;
  constexpr std::uint64_t kLeast = std::uint64_t{8} << 20;
  return memory + memory / kShare + kLeast;
}

Result<void> check_memory(const std::vector<podman::OptionWord>& options,
                          const image::Manifest& manifest) {
  const auto memory = value_of(options, "--memory", 'm');
  if (!memory) return {};
  const std::uint64_t limit = podman::parse_size(*memory).value_or(0);  // Podman will say so
  const std::uint64_t least = least_limit(image::memory_needed(manifest));
  if (limit == 0 || limit >= least) return {};
  // With swap, what does not fit into memory need not be there.
  const auto swap = value_of(options, "--memory-swap", '\0');
  if (swap && (*swap == "-1" || podman::parse_size(*swap).value_or(0) >= least)) return {};
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "the memory limit '" + *memory +
                                          "' is too low: the checkpoint holds " +
                                          base::format_bytes(image::memory_needed(manifest)))
          .with_hint("give it at least '--memory " + std::to_string(least / kMebibyte + 1) + "m'"));
}

// Whether a container of `record`, or one that was made from it again, stays beside the new one.
Result<bool> stays_beside(const catalog::ContainerRow& record, const std::string& new_name) {
  for (const std::string& who : {record.key.str(), record.name}) {
    // A key that is no id is nothing that Podman knows.
    if (who.find_first_of("@/") != std::string::npos) continue;
    const auto info = podman::inspect(who);
    if (!info && info.error().code() != ErrorCode::kNotFound) return std::unexpected(info.error());
    if (info && info->name != new_name) return true;
  }
  return false;
}

// Podman would look for it in registries, where an id means nothing. A word that is no id was
// recorded by an earlier version, or names a directory (--rootfs).
Result<void> refuse_lost_image(const catalog::ContainerRow& record, const std::string& image) {
  constexpr std::size_t kIdLength = 64;
  if (image.size() != kIdLength || image.find_first_not_of("0123456789abcdef") != image.npos)
    return {};
  const auto found = podman::image_id(image);
  if (found || found.error().code() != ErrorCode::kNotFound)
    return found ? Result<void>() : std::unexpected(found.error());
  return std::unexpected(Error(ErrorCode::kNotFound, "the image of its container ('" +
                                                         record.image + "', id '" + image +
                                                         "') is not on this host")
                             .with_hint("fetch it ('podman pull " + record.image +
                                        "', if that still names the same image, else by its "
                                        "digest)"));
}

Result<podman::RecordedCommand> without_published_ports(const podman::RecordedCommand& command) {
  return podman::edit_options(
      command, [](std::string_view option, const std::string& value) -> std::optional<std::string> {
        if (option == "--publish") return std::nullopt;
        return value;
      });
}

// A container that was itself made from a checkpoint was made with these.
Result<podman::RecordedCommand> without_origin(const podman::RecordedCommand& command) {
  return podman::edit_options(
      command, [](std::string_view option, const std::string& value) -> std::optional<std::string> {
        if (option == "--annotation" &&
            (value.starts_with(kFillAnnotation) || value.starts_with(kFromAnnotation)))
          return std::nullopt;
        return value;
      });
}

}  // namespace

Result<catalog::ContainerRow> find_record(catalog::Catalog& catalog,
                                          const catalog::CheckpointRow& checkpoint) {
  const auto recorded = REPRISE_PASS(catalog.container(checkpoint.key));
  if (recorded && !recorded->create_command.empty()) return *recorded;
  if (const auto info = REPRISE_PASS(container_with(catalog, checkpoint.key)))
    return container_row(*info);
  return std::unexpected(
      Error(ErrorCode::kNotFound, "the command that made its container was never recorded")
          .with_hint("containers that were started by 'reprise run', or on which 'reprise stop' or "
                     "'reprise checkpoint create' was used, can be made again"));
}

Result<void> check_options(const std::vector<std::string>& options,
                           const image::Manifest& manifest) {
  const podman::OptionWords parsed = podman::parse_options(options, 0);
  if (parsed.end != options.size())
    return fail(ErrorCode::kInvalidInput, "'" + options[parsed.end] + "' is not an option");
  if (value_of(parsed.options, "--name", '\0'))
    return std::unexpected(Error(ErrorCode::kInvalidInput, "the name is no option of Podman's here")
                               .with_hint("put '--name' before '--'"));
  return check_memory(parsed.options, manifest);
}

Result<CloneCommand> clone_command(const catalog::ContainerRow& record, const CloneWishes& wishes,
                                   const base::CheckpointId& checkpoint,
                                   const std::vector<container::SavedVolume>& volumes) {
  CloneCommand result;
  result.name = wishes.name.empty() ? record.name : wishes.name;
  podman::RecordedCommand command =
      REPRISE_PASS(without_origin(REPRISE_PASS(recorded_command(record))));
  if (command.image_index < command.words.size())
    REPRISE_PASS(refuse_lost_image(record, command.words[command.image_index]));
  // Podman adds ports up, and who names some wants these.
  if (value_of(podman::parse_options(wishes.options, 0).options, "--publish", 'p'))
    command = REPRISE_PASS(without_published_ports(command));
  result.beside = REPRISE_PASS(stays_beside(record, result.name));
  if (result.beside) {
    podman::SharedCommand shared = REPRISE_PASS(podman::without_exclusive_options(command));
    command = std::move(shared.command);
    result.left_out = std::move(shared.left_out);
    std::map<std::string, std::string> names;
    for (const auto& volume : volumes) names.emplace(volume.name, result.name + "-" + volume.name);
    command = REPRISE_PASS(podman::with_other_volumes(command, names));
  }
  std::vector<std::string> options = wishes.options;
  // Two cannot live under one key: the other one has it.
  if (result.beside) options.push_back("--annotation=" + std::string(oci::annotation::kKey) + "=");
  // Until it has run it must not begin anew, should we be killed before it is to go on from this.
  options.push_back("--annotation=" + kFromAnnotation + checkpoint.str());
  if (!volumes.empty() && wishes.volumes != VolumeWish::kKeep)
    options.push_back("--annotation=" + kFillAnnotation + checkpoint.str());
  if (wishes.volumes == VolumeWish::kKeep)
    options.push_back("--annotation=" + kFillAnnotation + "keep");
  result.argv = REPRISE_PASS(podman::create_command_again(
      command.words, command.image_index, {.name = result.name, .options = std::move(options)}));
  return result;
}

}  // namespace reprise::operations
