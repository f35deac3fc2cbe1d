// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that lie in the queue of a UNIX socket in a message (SCM_RIGHTS), as CRIU's images
// have them: files.img, fdinfo-N.img, sk-queues.img.
//
// CRIU 4.2 (cr-restore.c, sk-queue.c) makes the messages ready in the order of sk-queues.img. The
// socket by which one is sent must be in a process's hands then, or in a message before it;
// otherwise the restore ends in a BUG(). It dumps a socket's queue before the message in which that
// socket itself lies, so where sockets lie in queues of sockets that lie in queues, the order may
// be wrong.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// The contents of sk-queues.img in an order that CRIU can restore, messages of one socket in the
// order that they had; unchanged if it can be restored as it is. kUnsupported if there is no such
// order: a socket without another end lies in a message (it is not connected, or its peer has
// closed), or sockets lie in each other's queues. kCorrupt if a file is anything else. Pure.
base::Result<std::string> order_messages(std::string_view files,
                                         std::span<const std::string> descriptors,
                                         std::string_view queues);

}  // namespace reprise::image
