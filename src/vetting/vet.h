// SPDX-License-Identifier: Apache-2.0
//
// Are the images of this checkpoint such that the container may have been restored from them?
//
// What CRIU restores is what its images say: capabilities, the absence of a seccomp filter, mounts
// of the host. Nobody else looks. So images that somebody else may have written are compared with
// config.json before CRIU sees them. docs/design/0005-foreign-checkpoints.md says what is compared,
// and what is not.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vetting/grants.h"
#include "vetting/rules.h"

namespace reprise::vetting {

// What the answer depends on beside images and container.
struct Host {
  Exists exists;                      // in /proc and /sys
  std::set<std::string> controllers;  // of cgroups; "" is that of version 2
  bool only_cgroup2 = false;
};
Result<Host> this_host();

struct Vetted {
  // To be given to check_places() when the root file system is as the restore will find it.
  std::vector<MadePlace> places;
  // The new contents of seccomp.img, with the container's own filter in it; empty if the container
  // has no profile.
  std::string seccomp;
  // The new contents of cgroup.img; empty: as it is.
  std::string cgroups;
};

// Reads what lies in `images`, and changes nothing. kDenied, kCorrupt and kUnsupported name what is
// not as it should be, also a file that is not known to be harmless.
Result<Vetted> vet_images(const std::filesystem::path& images, const Grants& grants,
                          const Host& host);

// kDenied if a symbolic link lies on the way to one of `places` below `root`, or below the source
// of a mount (`sources`: place to directory of the host).
Result<void> check_places(const std::vector<MadePlace>& places, const std::filesystem::path& root,
                          const std::map<std::string, std::string>& sources);

}  // namespace reprise::vetting
