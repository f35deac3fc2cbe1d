// SPDX-License-Identifier: Apache-2.0
#include "session/attributes.h"

#include <optional>
#include <set>
#include <sstream>

#include "attributes/process_attributes.h"
#include "attributes/segment_size.h"
#include "attributes/socket_options.h"
#include "container/socket_files.h"
#include "image/criu_sockets.h"
#include "image/part_names.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "preflight/not_kept.h"
#include "session/parts.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

namespace {

Result<std::optional<std::string>> text_of(store::CheckpointReader& reader, const char* name) {
  const auto part = REPRISE_PASS(reader.find_part(name));
  if (!part) return std::optional<std::string>();
  return REPRISE_PASS(sys::read_file(*part));
}

Result<void> write_part(store::CheckpointWriter& writer, const char* name,
                        const std::string& text) {
  const auto part = REPRISE_PASS(writer.part(name));
  return sys::replace_file(part, text);
}

}  // namespace

Result<void> capture_attributes(store::CheckpointWriter& writer, const oci::Spec& spec,
                                const oci::State& state,
                                const std::vector<attributes::ProcessAttribute>& asked) {
  const std::string idle =
      REPRISE_TRY(container::list_tmpfs_sockets(state.init.pid, oci::external_mounts(spec)),
                  "looking for sockets on tmpfs");
  if (!idle.empty()) REPRISE_PASS(write_part(writer, image::kTmpfsSocketsPart, idle));
  std::string losses;
  for (const auto& [subject, row] :
       preflight::seen_losses(state.init.pid, preflight::Losses::kHarmful))
    losses += std::string(row->what) + " " + std::string(row->becomes) + " (" + subject + ")\n";
  if (!losses.empty()) REPRISE_PASS(write_part(writer, image::kLossesPart, losses));
  const auto sockets = attributes::read_sockets("/proc", state.init.pid);
  if (!sockets.empty())
    REPRISE_TRY(write_part(writer, image::kSocketsPart, attributes::encode_sockets(sockets)),
                "saving the options of sockets");
  auto processes = attributes::read_attributes("/proc", state.init.pid);
  processes.insert(processes.end(), asked.begin(), asked.end());
  if (!processes.empty())
    REPRISE_TRY(
        write_part(writer, image::kAttributesPart, attributes::encode_attributes(processes)),
        "saving the attributes of processes");
  return {};
}

Result<void> prepare_images(store::CheckpointReader& reader, const std::filesystem::path& images) {
  const auto text = REPRISE_PASS(text_of(reader, image::kSocketsPart));
  if (!text) return {};
  const auto sockets = REPRISE_PASS(attributes::decode_sockets(*text));
  std::set<std::uint64_t> moved;
  for (const attributes::SocketRecord& socket : sockets)
    if (socket.file && !socket.file->is_there) moved.insert(socket.file->socket);
  if (moved.empty()) return {};
  const std::filesystem::path file = images / "files.img";
  const std::string list = REPRISE_PASS(sys::read_file(file));
  const std::string changed = REPRISE_PASS(image::keep_socket_files(list, moved));
  return sys::replace_file(file, changed);
}

Result<std::vector<std::string>> restore_attributes(store::CheckpointReader& reader, pid_t init) {
  std::vector<std::string> failed;
  if (const auto text = REPRISE_PASS(text_of(reader, image::kLossesPart))) {
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) failed.push_back(std::move(line));
  }
  if (const auto text = REPRISE_PASS(text_of(reader, image::kTmpfsSocketsPart)))
    if (const auto made =
            container::make_missing_sockets(*text, "/proc/" + std::to_string(init) + "/root");
        !made)
      failed.push_back("idle sockets on tmpfs: " + made.error().message());
  if (const auto text = REPRISE_PASS(text_of(reader, image::kSocketsPart))) {
    const auto sockets = REPRISE_PASS(attributes::decode_sockets(*text));
    for (std::string& failure : attributes::set_sockets("/proc", init, sockets))
      failed.push_back(std::move(failure));
  }
  attributes::renew_segment_sizes("/proc", init);
  if (const auto text = REPRISE_PASS(text_of(reader, image::kAttributesPart))) {
    const auto processes = REPRISE_PASS(attributes::decode_attributes(*text));
    for (std::string& failure : attributes::set_attributes("/proc", init, processes))
      failed.push_back(std::move(failure));
  }
  return failed;
}

Result<std::vector<std::string>> inject_attributes(store::CheckpointReader& reader, pid_t init) {
  const auto text = REPRISE_PASS(text_of(reader, image::kAttributesPart));
  if (!text) return std::vector<std::string>();
  const auto processes = REPRISE_PASS(attributes::decode_attributes(*text));
  return attributes::inject_attributes("/proc", init, processes);
}

}  // namespace reprise::session
