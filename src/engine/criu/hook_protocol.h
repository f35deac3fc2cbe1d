// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's action script (`criu-hook`) and a session say to each other: one sequenced-packet
// message each way. Constants only: the script links nothing of ours.
#pragma once

namespace reprise::engine::hook {

// Environment of the script, handed down by runc and CRIU.
inline constexpr const char* kSocketVariable = "REPRISE_HOOK_SOCKET";  // where to ask
inline constexpr const char* kFreezeFileVariable =
    "REPRISE_HOOK_FREEZE";  // gets the time of freeze
inline constexpr const char* kAskFrozenVariable =
    "REPRISE_HOOK_ASK_FROZEN";                                             // "yes": at network-lock
inline constexpr const char* kLoopbackVariable = "REPRISE_HOOK_LOOPBACK";  // "up": set lo up
// To be there before CRIU lets restored tasks go (preload/hold.cc).
inline constexpr const char* kLeaveVariable = "REPRISE_HOOK_LEAVE";
// On a restore: notes the limit of processes that was lifted for it.
inline constexpr const char* kPidsVariable = "REPRISE_HOOK_PIDS";

// CRIU's names of the steps at which it asks: all tasks stopped, and nothing looked at yet (if
// wanted); all tasks stopped and written; all namespaces made
// anew, but nothing in them; all tasks made anew but none running yet; all ready to be let go. A
// question is the step, a blank, and the pid of the first task in the caller's pid namespace (0
// where CRIU tells none).
inline constexpr const char* kNetworkLock = "network-lock";
inline constexpr const char* kPostDump = "post-dump";
inline constexpr const char* kSetupNamespaces = "setup-namespaces";
inline constexpr const char* kPostRestore = "post-restore";
inline constexpr const char* kPreResume = "pre-resume";

inline constexpr const char* kProceed = "proceed";
inline constexpr const char* kAbort = "abort";

}  // namespace reprise::engine::hook
