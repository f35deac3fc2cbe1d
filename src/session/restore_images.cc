// SPDX-License-Identifier: Apache-2.0
#include "session/restore_images.h"

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "image/criu_address_fault.h"
#include "image/criu_log.h"
#include "image/criu_own_mounts.h"
#include "oci/spec.h"
#include "session/restore/fitting.h"
#include "sys/files.h"
#include "sys/port_holder.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

// On the host, for a file on a bind mount; else empty.
std::string place_of(const std::string& file, const oci::Spec& spec) {
  const oci::Mount* found = nullptr;
  for (const oci::Mount& mount : spec.mounts) {
    const bool covers = file == mount.destination || file.starts_with(mount.destination + "/");
    if (covers && (found == nullptr || mount.destination.size() >= found->destination.size()))
      found = &mount;
  }
  if (found == nullptr || found->type != "bind") return {};
  return found->source + file.substr(found->destination.size());
}

Error describe(const image::CriuFileFault& fault, const oci::Spec& spec) {
  const std::string place = place_of(fault.file, spec);
  std::string text = "'" + (place.empty() ? fault.file : place) + "', which a program has open";
  if (!place.empty()) text += " as '" + fault.file + "'";
  if (fault.reason.empty())
    text += ", has " + fault.size + " bytes, and had " + fault.was + " at the checkpoint";
  else
    text += ", cannot be opened: " + fault.reason;
  return Error(ErrorCode::kUnsupported, text).with_hint("put it back as it was, and start again");
}

std::string holder_of(const image::CriuAddressFault& fault, const fs::path& network) {
  if (fault.protocol != "TCP" && fault.protocol != "UDP") return {};
  const auto transport = fault.protocol == "TCP" ? sys::Transport::kTcp : sys::Transport::kUdp;
  const auto holder = sys::find_port_holder(network, transport, fault.port);
  return holder ? "'" + holder->name + "' (pid " + std::to_string(holder->pid) + ")"
                : std::string();
}

Error describe(const image::CriuAddressFault& fault, const oci::Spec& spec) {
  const std::string address = "address " + fault.address + ", port " + std::to_string(fault.port) +
                              " (" + fault.protocol + ")";
  if (fault.why == image::CriuAddressFault::Why::kMissing)
    return Error(ErrorCode::kUnsupported,
                 "a program had " + address + ", which the container's network does not have")
        .with_hint(
            "give it that address again, by the same network and '--ip', or on the host "
            "where it uses the host's network");
  // One that runc makes is gone again.
  fs::path network = spec.network_namespace_path;
  if (!spec.has_network_namespace) network = "/proc/self/ns/net";
  const std::string holder = holder_of(fault, network);
  return Error(ErrorCode::kUnsupported,
               "a program had " + address + ", which " +
                   (holder.empty() ? "somebody else" : "process " + holder) + " has now")
      .with_hint("end that one, or have it use another port, and start again");
}

}  // namespace

Error cause_of_failure(Error error, const engine::Engine& engine, const oci::Spec& spec) {
  const Result<std::string> log = sys::read_file(engine.restore_log());
  if (const auto taken = log ? image::find_address_fault(*log) : std::nullopt)
    return describe(*taken, spec).with_suppressed(std::move(error));
  const auto fault = log ? image::find_file_fault(*log) : std::nullopt;
  if (!fault) return engine.with_cause(std::move(error));
  // What differs may be the image.
  return misfit(describe(*fault, spec), spec).with_suppressed(std::move(error));
}

Result<void> mend_mounts(const fs::path& images) {
  std::vector<fs::path> files;  // first, since the directory changes below
  std::error_code error;
  for (fs::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().string().starts_with("mountpoints-"))
      files.push_back(entry->path());
  if (error) return base::fail_errno(error.value(), "reading '" + images.string() + "'");
  for (const fs::path& file : files) {
    const std::string text = REPRISE_PASS(sys::read_file(file));
    const auto mended = REPRISE_TRY(image::forget_deleted_sources(text),
                                    "reading '" + file.filename().string() + "'");
    if (mended) REPRISE_PASS(sys::replace_file(file, *mended));
  }
  return {};
}

}  // namespace reprise::session
