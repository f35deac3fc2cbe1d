// SPDX-License-Identifier: Apache-2.0
//
// Steps of a session that its failure takes back. Each says what a process needs that knows nothing
// of the session but its request: the session's own, its guard, or one of hours later.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace reprise::session::undo {

using std::filesystem::path;

// In order of what they are about. `kName` is what the journal calls a step; `each` visits the
// fields with their names, for reading and for writing.
struct Bare {
  template <typename Step, typename Visit>
  static void each(Step& /*step*/, Visit /*visit*/) {}
  bool operator==(const Bare&) const = default;
};
struct InNetwork {
  path network;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("network", step.network);
  }
  bool operator==(const InNetwork&) const = default;
};

// Of a checkpoint. The signal that its failure owes the container.
struct SignalPromised : Bare {
  static constexpr std::string_view kName = "signal-promised";
};
// Something may lie half written in the store.
struct StoreBegun : Bare {
  static constexpr std::string_view kName = "store-begun";
};
// The bundle says that there is a checkpoint of this session.
struct ContinuationNoted : Bare {
  static constexpr std::string_view kName = "continuation-noted";
};
// CRIU locks the container's network.
struct NetworkLocked : Bare {
  static constexpr std::string_view kName = "network-locked";
};
// The container's cgroup may be frozen. Without this step it is so by somebody else, a person.
struct Frozen : Bare {
  static constexpr std::string_view kName = "frozen";
};
// Connections to services of the host are taken away; which, says a file of the session's.
struct PeersDisconnected : Bare {
  static constexpr std::string_view kName = "peers-disconnected";
};
// To other containers of the same network namespace. Of a checkpoint: the container's, whose ends
// are there again when it runs on. Of a restore: `network`, in which they are not.
struct NeighboursHeld {
  static constexpr std::string_view kName = "neighbours-held";
  std::optional<path> network;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("network", step.network);
  }
  bool operator==(const NeighboursHeld&) const = default;
};
// To the outside, in the host's network. Of a restore: it is to find them held, and lift that.
struct ConnectionsHeld : Bare {
  static constexpr std::string_view kName = "connections-held";
};

// Of a restore.
struct NetworkBlocked : InNetwork {
  static constexpr std::string_view kName = "network-blocked";
};
struct RootfsExchanged : Bare {
  static constexpr std::string_view kName = "rootfs-exchanged";
};
struct SharedMemoryFilled {
  static constexpr std::string_view kName = "shared-memory-filled";
  path directory;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("directory", step.directory);
  }
  bool operator==(const SharedMemoryFilled&) const = default;
};
struct VolumePutAside {
  static constexpr std::string_view kName = "volume-put-aside";
  path directory;
  path aside;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("directory", step.directory);
    visit("aside", step.aside);
  }
  bool operator==(const VolumePutAside&) const = default;
};
// Of a pod: `contents` are being moved from there into the volume in which they lie.
struct VolumeFilling {
  static constexpr std::string_view kName = "volume-filling";
  path contents;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("contents", step.contents);
  }
  bool operator==(const VolumeFilling&) const = default;
};
// Of a pod: `directory` is its containers' together, and was filled before another of them counted
// on that. What was in it is in `aside`; without one it was empty.
struct SharedFilled {
  static constexpr std::string_view kName = "shared-filled";
  path directory;
  std::optional<path> aside;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("directory", step.directory);
    visit("aside", step.aside);
  }
  bool operator==(const SharedFilled&) const = default;
};
struct OverlaysMounted : Bare {
  static constexpr std::string_view kName = "overlays-mounted";
};
// What programs had set up in their network; what was changed for it say files of the session's.
struct NetworkChanged : InNetwork {
  static constexpr std::string_view kName = "network-changed";
};
struct AddressesAdopted {
  static constexpr std::string_view kName = "addresses-adopted";
  path network;
  std::vector<std::string> addresses;
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("network", step.network);
    visit("addresses", step.addresses);
  }
  bool operator==(const AddressesAdopted&) const = default;
};
// From here on the wrapper may run `runc restore`.
struct RestoreBegun : Bare {
  static constexpr std::string_view kName = "restore-begun";
};
// The restored tasks are kept from running by their cgroup, here also when runc has forgotten it.
struct TasksHeld {
  static constexpr std::string_view kName = "tasks-held";
  std::map<std::string, std::string> cgroups;  // as container::Cgroup takes them
  template <typename Step, typename Visit>
  static void each(Step& step, Visit visit) {
    visit("cgroups", step.cgroups);
  }
  bool operator==(const TasksHeld&) const = default;
};

// Of another version: as it was written.
struct Unknown {
  std::string json;
  bool operator==(const Unknown&) const = default;
};

using Step =
    std::variant<Unknown, SignalPromised, StoreBegun, ContinuationNoted, NetworkLocked, Frozen,
                 PeersDisconnected, NeighboursHeld, ConnectionsHeld, NetworkBlocked,
                 RootfsExchanged, SharedMemoryFilled, VolumePutAside, VolumeFilling, SharedFilled,
                 OverlaysMounted, NetworkChanged, AddressesAdopted, RestoreBegun, TasksHeld>;

// What the journal calls it; of an unknown step, too.
std::string name_of(const Step& step);

// JSON: {"version":1,"steps":[{"step":"frozen"},…]}, in the order in which they are done. A step
// that this version does not know, or that lacks something, becomes Unknown, and is written as it
// was read. kCorrupt for a text that is nothing of the kind.
std::string encode(const std::vector<Step>& steps);
base::Result<std::vector<Step>> decode(const std::string& text);

}  // namespace reprise::session::undo
