// SPDX-License-Identifier: Apache-2.0
//
// What we wrote ourselves and read again from a checkpoint, a bundle or a run directory, where
// somebody else may have written it meanwhile; and the configuration. The first byte says which it
// is. What was accepted can be written, and read to the same.
#include <array>

#include "attributes/process_attributes.h"
#include "attributes/socket_options.h"
#include "attributes/unix_peers.h"
#include "config/config.h"
#include "container/affinity.h"
#include "container/shared_memory.h"
#include "container/socket_files.h"
#include "container/volumes.h"
#include "host/continuation_note.h"
#include "host/message.h"
#include "host/request.h"
#include "input.h"
#include "network/neighbours.h"
#include "network/network_setup.h"
#include "network/sysctls.h"
#include "scratch_directory.h"
#include "session/undo/step.h"
#include "sys/files.h"

namespace {

using namespace reprise;              // NOLINT(google-build-using-namespace): one file, one subject
using namespace reprise::container;   // NOLINT(google-build-using-namespace)
using namespace reprise::network;     // NOLINT(google-build-using-namespace)
using namespace reprise::attributes;  // NOLINT(google-build-using-namespace)
using namespace reprise::host;        // NOLINT(google-build-using-namespace)

template <typename Decode, typename Encode>
void there_and_back(const std::string& text, Decode decode, Encode encode) {
  const auto read = decode(text);
  if (!read) return;
  const auto again = decode(encode(*read));
  fuzz::require(again.has_value(), "a record that was read can be written and read");
  fuzz::require(encode(*again) == encode(*read), "and says the same then");
}

void note(const std::string& text) {
  static const fuzz::ScratchDirectory kBundle;
  fuzz::require(sys::replace_file(continuation_note_file(kBundle.path()), text).has_value(),
                "there is room for a note");
  const auto read = read_note(kBundle.path());
  if (!read || !*read) return;
  fuzz::require(write_note(kBundle.path(), **read).has_value(), "a note can be written");
  const auto again = read_note(kBundle.path());
  fuzz::require(again.has_value() && *again == *read, "and says the same then");
}

void sockets_of_files(const std::string& text) {
  const fuzz::ScratchDirectory root;
  std::filesystem::create_directory(root.path() / "d");
  (void)make_missing_sockets(text, root.path());
  (void)make_sockets(text, root.path());
}

using Target = void (*)(const std::string&);

// New ones at the end: the seeds count.
constexpr std::array<Target, 14> kTargets = {
    [](const std::string& text) { there_and_back(text, decode_affinity, encode_affinity); },
    [](const std::string& text) { there_and_back(text, decode_attributes, encode_attributes); },
    [](const std::string& text) { there_and_back(text, decode_sockets, encode_sockets); },
    [](const std::string& text) { there_and_back(text, decode_sysctls, encode_sysctls); },
    [](const std::string& text) { there_and_back(text, decode_connections, encode_connections); },
    [](const std::string& text) { there_and_back(text, decode_lost_peers, encode_lost_peers); },
    [](const std::string& text) { there_and_back(text, decode_volumes, encode_volumes); },
    [](const std::string& text) { there_and_back(text, decode_setup, encode_setup); },
    [](const std::string& text) { there_and_back(text, decode_change, encode_change); },
    [](const std::string& text) {
      there_and_back(text, decode_worker_request, [](const WorkerRequest& r) { return encode(r); });
      there_and_back(text, decode_worker_message, [](const WorkerMessage& m) { return encode(m); });
      (void)decode_restored(text);
    },
    &note,
    &sockets_of_files,
    [](const std::string& text) {
      (void)config::parse("/etc/reprise/reprise.toml", text);
      (void)decode_memory_copy(text);
    },
    [](const std::string& text) {
      there_and_back(text, session::undo::decode, session::undo::encode);
    },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  kTargets.at(fuzz::way_of(text, kTargets.size()))(text);
  return 0;
}
