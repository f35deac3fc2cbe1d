// SPDX-License-Identifier: Apache-2.0
//
// The containerd that runs on this host.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "install/containerd_config.h"
#include "sys/process.h"

namespace reprise::install {

// How containerd is started again, which its containers survive.
enum class Restart : std::uint8_t {
  kSystemd,  // its unit
  kSignal,   // it is told to end, and something that watches it starts it again
  kNever,    // somebody does it by hand
};

struct Containerd {
  sys::ProcessRef process;
  sys::UniqueFd program;  // what it runs, O_PATH
  std::filesystem::path program_path;
  std::filesystem::path config;  // its main file; it may lack
  std::string unit;              // of systemd; empty where it is none
  int major = 0;
};

// The node's own (containerd_process.h) whose main file is `config`. kNotFound: none runs; the
// error names those that do.
base::Result<Containerd> find_containerd(const std::filesystem::path& config);

// Its configuration as its files are now, which need not be what it runs with. kInvalidInput with
// its own words if it does not understand them.
base::Result<ContainerdFacts> read_facts(const Containerd& containerd,
                                         const std::filesystem::path& runtime);

// Returns when it answers again; kBusy if it does not within a minute.
base::Result<void> restart(const Containerd& containerd, const ContainerdFacts& facts, Restart how);

// How many containers of ours there are, of pods or of others. An error where that is not known.
base::Result<std::size_t> containers_of(const ContainerdFacts& facts,
                                        const std::filesystem::path& runtime);

}  // namespace reprise::install
