// SPDX-License-Identifier: Apache-2.0
//
// An epoll that watches one opened file under several descriptors: after a restore all would be the
// first of them (criu/eventpoll.c, find_tfd_bsearch and eventpoll_retore_tfd).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

void judge_epolls(const std::filesystem::path& proc, pid_t pid, std::vector<Obstacle>& found);

}  // namespace reprise::preflight
