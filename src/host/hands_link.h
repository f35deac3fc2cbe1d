// SPDX-License-Identifier: Apache-2.0
//
// How a node's agent, which has no powers of its own, has a running container saved: it asks the
// node's hands (src/hands), which may do that and nothing else.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "host/layout.h"
#include "host/message.h"
#include "oci/cri.h"

namespace reprise::host {

// A container of a pod is to be saved, and to run on. Answered as a worker speaks (message.h):
// by Phase, any number of times, and then by Outcome.
struct SaveNow {
  base::ContainerId container;
  oci::PodContainer pod;  // whose it is, which the hands compare
};

std::string encode(const SaveNow& question);
// kInternal for text that is none.
base::Result<SaveNow> decode_save_now(const std::string& text);

// Where the hands listen. Only root can connect.
std::filesystem::path hands_socket_of(const Layout& layout);

// Blocks until the session is over, however long it takes. `told` is called with each phase. kGone
// or kNotFound if no hands are there, or they went away: then it is not known how it ended.
base::Result<Outcome> ask_hands(const Layout& layout, const SaveNow& question,
                                const std::function<void(const std::string& phase)>& told);

}  // namespace reprise::host
