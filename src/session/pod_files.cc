// SPDX-License-Identifier: Apache-2.0
#include "session/pod_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "container/file_tree.h"
#include "container/pod_files.h"
#include "container/termination_log.h"
#include "image/criu_file_sizes.h"
#include "image/part_names.h"
#include "session/parts.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

struct SavedMoment {
  std::string destination;
  std::string name;
};

std::string moment_part(std::size_t number) { return "moment-" + std::to_string(number) + ".tar"; }

// "DESTINATION\0NAME\0…"
Result<std::vector<SavedMoment>> decode_moments(std::string_view list) {
  std::vector<SavedMoment> moments;
  while (!list.empty()) {
    const std::size_t first = list.find('\0');
    const std::size_t second = list.find('\0', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
      return base::fail(ErrorCode::kCorrupt, "the list of the kubelet's files is cut short");
    SavedMoment moment{.destination = std::string(list.substr(0, first)),
                       .name = std::string(list.substr(first + 1, second - first - 1))};
    if (!container::is_moment(moment.name))
      return base::fail(ErrorCode::kCorrupt, "the list of the kubelet's files is damaged");
    moments.push_back(std::move(moment));
    list.remove_prefix(second + 1);
  }
  return moments;
}

Result<void> capture_termination_log(store::CheckpointWriter& writer, const oci::Spec& spec) {
  const auto file = container::termination_log(spec);
  if (!file) return {};
  const auto log =
      REPRISE_TRY(container::read_termination_log(*file), "saving the termination log");
  if (log.text.empty()) return {};
  if (log.begin > 0)
    REPRISE_PASS(sys::replace_file(REPRISE_PASS(writer.part(image::kTerminationLogBeginPart)),
                                   std::to_string(log.begin)));
  return sys::replace_file(REPRISE_PASS(writer.part(image::kTerminationLogPart)), log.text);
}

Result<void> fill_termination_log(store::CheckpointReader& reader, const oci::Spec& spec) {
  const auto file = container::termination_log(spec);
  const auto text = REPRISE_PASS(read_part(reader, image::kTerminationLogPart));
  if (!file || !text) return {};
  container::TerminationLog log{.begin = 0, .text = *text};
  if (const auto begin = REPRISE_PASS(read_part(reader, image::kTerminationLogBeginPart))) {
    const auto [rest, bad] =
        std::from_chars(begin->data(), begin->data() + begin->size(), log.begin);
    if (bad != std::errc() || rest != begin->data() + begin->size())
      return base::fail(ErrorCode::kCorrupt, "the place of the termination log's end is damaged");
  }
  REPRISE_TRY(container::write_termination_log(*file, log), "filling the termination log");
  return {};
}

// Whole, or not at all.
Result<void> lay_beside(const Context& context, const fs::path& archive, const fs::path& volume,
                        const std::string& name) {
  if (REPRISE_PASS(sys::exists(volume / name))) return {};
  const fs::path unfinished = volume / (".reprise-filling-" + context.request.session.str());
  REPRISE_PASS(context.journal().write(undo::VolumeFilling{.contents = unfinished}));
  if (::mkdir(unfinished.c_str(), 0700) != 0)
    return base::fail_errno(errno, "making '" + unfinished.string() + "'");
  REPRISE_PASS(container::extract_tree(archive, unfinished));
  std::error_code error;
  fs::rename(unfinished, volume / name, error);
  if (error) return base::fail_errno(error.value(), "moving '" + unfinished.string() + "'");
  return {};
}

}  // namespace

Result<void> capture_pod_files(store::CheckpointWriter& writer, const Context& context,
                               const oci::Spec& spec, const oci::State& state,
                               const std::vector<std::string>& watched) {
  REPRISE_PASS(capture_termination_log(writer, spec));
  std::string list;
  std::size_t number = 0;
  for (const container::Moment& moment :
       container::moments_in_use(context.proc, state.init.pid, spec, watched)) {
    REPRISE_TRY(
        save_tree(writer, moment_part(number++), moment.directory, container::Writers::kOthers),
        "saving what the kubelet wrote for '" + moment.destination + "'");
    (list += moment.destination) += '\0';
    (list += moment.directory.filename().string()) += '\0';
  }
  if (list.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(image::kMomentsPart)), list);
}

Result<void> fill_pod_files(const Context& context, store::CheckpointReader& reader,
                            const oci::Spec& spec) {
  REPRISE_PASS(fill_termination_log(reader, spec));
  const auto list = REPRISE_PASS(read_part(reader, image::kMomentsPart));
  if (!list) return {};
  std::size_t number = 0;
  for (const SavedMoment& moment : REPRISE_PASS(decode_moments(*list))) {
    const fs::path archive = REPRISE_PASS(tree_part(reader, moment_part(number++)));
    const auto volume = container::volume_with_moments(spec, moment.destination);
    if (!volume) continue;  // whoever had it open is told by its name
    REPRISE_TRY(lay_beside(context, archive, *volume, moment.name),
                "laying the old files beside the new ones of '" + moment.destination + "'");
  }
  return {};
}

Result<void> mend_pod_files(const fs::path& images, const oci::Spec& spec) {
  const auto files = container::files_of_one_pod(spec);
  if (files.empty()) return {};
  const fs::path list = images / "files.img";
  const std::string text = REPRISE_PASS(sys::read_file(list));
  const auto mended =
      REPRISE_TRY(image::forget_sizes(text, files), "reading the list of open files");
  return mended ? sys::replace_file(list, *mended) : Result<void>();
}

}  // namespace reprise::session
