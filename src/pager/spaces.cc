// SPDX-License-Identifier: Apache-2.0
#include "pager/spaces.h"

#include <utility>

namespace reprise::pager {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<void> Spaces::apply(const Record& record) {
  if (record.kind == RecordKind::kSpace) {
    SpaceImage image = REPRISE_PASS(load_(record.pid));
    spaces_[record.fd] = {.fd = record.fd,
                          .pid = record.pid,
                          .file = std::move(image.file),
                          .missing = std::move(image.missing)};
    return {};
  }
  const auto space = spaces_.find(record.fd);
  if (space == spaces_.end())
    return fail(ErrorCode::kInternal, "an event of an address space that is not known");
  if (record.kind == RecordKind::kEvent) return apply_event(space->second, record.message);
  spaces_.erase(space);
  return {};
}

Result<void> Spaces::apply_event(Space& space, const uffd_msg& message) {
  switch (message.event) {
    case UFFD_EVENT_FORK: {
      // What is there by now the child shares; what is missing is missing in both.
      Space child = space;
      child.fd = static_cast<int>(message.arg.fork.ufd);
      spaces_[child.fd] = std::move(child);
      return {};
    }
    case UFFD_EVENT_REMAP:
      space.missing.move(message.arg.remap.from, message.arg.remap.to, message.arg.remap.len);
      return {};
    case UFFD_EVENT_REMOVE:
    case UFFD_EVENT_UNMAP:
      space.missing.remove(message.arg.remove.start,
                           message.arg.remove.end - message.arg.remove.start);
      return {};
    default:
      return fail(ErrorCode::kInternal,
                  "an event of unknown kind " + std::to_string(message.event));
  }
}

std::uint64_t Spaces::missing_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [fd, space] : spaces_) bytes += space.missing.bytes();
  return bytes;
}

}  // namespace reprise::pager
