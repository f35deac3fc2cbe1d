// SPDX-License-Identifier: Apache-2.0
//
// containerd's configuration as text: what is to be in it so that pods may name our runtime class,
// and how it comes in and out of an administrator's file. Pure.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::install {

// What `containerd config dump` says, which is all files together.
struct ContainerdFacts {
  bool has_handler = false;     // ours, with our program
  bool systemd_cgroup = false;  // what runc's handler says
  std::string base_runtime_spec, snapshotter;
  std::filesystem::path state, socket;  // /run/containerd, its containerd.sock
};

// kCorrupt if it is no TOML.
base::Result<ContainerdFacts> facts_of(const std::string& dump,
                                       const std::filesystem::path& program);

// The runtime handler `reprise` for a containerd of version `major`; what the administrator has set
// for runc holds for it, too.
std::string handler_text(int major, const ContainerdFacts& facts,
                         const std::filesystem::path& program);

// `config` with `pattern` among its imports: one line is other than before, or one more.
std::string with_import(const std::string& config, std::string_view pattern);
// As it was before with_import().
std::string without_import(const std::string& config, std::string_view pattern);

// `config` with a block of ours at its end, in the place of one that is there.
std::string with_block(const std::string& config, std::string_view block);
std::string without_block(const std::string& config);

// 2 for "containerd github.com/containerd/containerd/v2 v2.3.7 5c0b…"; 0 if that is no version.
int major_version(std::string_view text);

}  // namespace reprise::install
