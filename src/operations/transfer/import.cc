// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/import.h"

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "json/writer.h"
#include "operations/container/runtime_choice.h"
#include "operations/store/tag.h"
#include "operations/transfer/archive_file.h"
#include "podman/client.h"
#include "podman/command_line.h"
#include "podman/image.h"
#include "store/store.h"

namespace reprise::operations {

using base::Result;

namespace {

// What Podman mounts into every container by itself.
constexpr std::array<std::string_view, 6> kPodmansMounts = {
    "/dev/shm",         "/etc/hostname",      "/etc/hosts",
    "/etc/resolv.conf", "/run/.containerenv", "/run/secrets"};

// By its name if that means the same image here as where the checkpoint was taken, else by its id.
struct FoundImage {
  std::string name;
  std::string id;
  bool same = true;  // as far as the archive tells
};
Result<FoundImage> find_image(const archive::ContainerWishes& wishes) {
  const auto by_name = podman::image_id(wishes.image_name);
  if (by_name && (wishes.image_id.empty() || *by_name == wishes.image_id))
    return FoundImage{.name = wishes.image_name, .id = *by_name};
  if (!wishes.image_id.empty())
    if (const auto by_id = podman::image_id(wishes.image_id))
      return FoundImage{.name = wishes.image_id, .id = *by_id};
  if (!by_name) return std::unexpected(by_name.error());
  return FoundImage{.name = wishes.image_name, .id = *by_name, .same = false};
}

Result<catalog::ContainerRow> plan_row(const Node& node, const archive::ContainerWishes& wishes,
                                       const FoundImage& image) {
  const auto runtime = REPRISE_PASS(choose_runtime(node));
  const podman::CreateCommand command =
      podman::create_command({.runtime = runtime,
                              .image = image.name,
                              .command = wishes.command,
                              .own_entrypoint = wishes.own_entrypoint,
                              .terminal = wishes.terminal,
                              .keeps_stdin = wishes.keeps_stdin,
                              .without_network = wishes.without_network});
  return catalog::ContainerRow{.image = image.name,
                               .create_command = json_writer::print(nlohmann::json(command.words)),
                               .command_image_index = static_cast<int>(command.image_index)};
}

archive::ImageDirectory directories_of(podman::MountedImage image) {
  auto shared = std::make_shared<podman::MountedImage>(std::move(image));
  return [shared](const std::string& name) -> std::optional<archive::Entry> {
    const auto status = shared->directory(name);
    if (!status) return std::nullopt;
    archive::Entry entry = archive::Entry::directory(name);
    constexpr mode_t kPermissions = 07777;
    entry.set_mode(status->st_mode & kPermissions);
    entry.set_owner(status->st_uid, status->st_gid);
    entry.set_mtime(status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
    return entry;
  };
}

exchange::PlanRecreation planner(const Node& node, Progress& progress) {
  return [&](const archive::ContainerWishes& wishes) -> Result<exchange::Recreation> {
    const FoundImage image = REPRISE_PASS(find_image(wishes));
    if (!image.same)
      progress.warn("image '" + image.name +
                        "' is another one here than where the checkpoint was taken; if its files "
                        "differ, it cannot be restored",
                    "");
    catalog::ContainerRow row = REPRISE_PASS(plan_row(node, wishes, image));
    podman::MountedImage mounted = REPRISE_PASS(podman::MountedImage::mount(image.id));
    return exchange::Recreation{.row = std::move(row),
                                .image_directory = directories_of(std::move(mounted))};
  };
}

}  // namespace

Result<exchange::ImportedCheckpoint> import_checkpoint(const Node& node,
                                                       const archive::ReadBytes& source,
                                                       const std::string& tag, Progress& progress) {
  if (!tag.empty()) REPRISE_TRY(base::parse_id(tag), "reading --tag");
  store::Store store = REPRISE_PASS(store::open(node.store));
  REPRISE_PASS(check_new_tag(store.catalog, tag));
  const Work work(progress, "importing");
  ByteProgress counter(progress);
  const auto counted = [&](std::span<char> buffer) {
    auto got = source(buffer);
    if (got) counter.add(*got);
    return got;
  };
  return exchange::import_archive(store, node.layout.store,
                                  {.source = counted, .tag = tag, .plan = planner(node, progress)});
}

std::vector<std::string> mounts_to_give(const archive::ContainerWishes& wishes) {
  std::vector<std::string> result;
  for (const std::string& mount : wishes.bind_mounts)
    if (std::ranges::find(kPodmansMounts, mount) == kPodmansMounts.end()) result.push_back(mount);
  return result;
}

}  // namespace reprise::operations
