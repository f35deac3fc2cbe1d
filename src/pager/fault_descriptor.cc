// SPDX-License-Identifier: Apache-2.0
#include "pager/fault_descriptor.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "pager/missing_pages.h"
#include "sys/unique_fd.h"

namespace reprise::pager {
namespace {

// `filled` is what the kernel wrote: bytes, or a negative errno.
Fill outcome(int error, std::int64_t filled) {
  Fill fill{.bytes = filled > 0 ? static_cast<std::uint64_t>(filled) : 0};
  switch (error) {
    case 0:
      break;
    case EEXIST:
      fill.end = FillEnd::kThere;
      break;
    case ENOENT:
    case EINVAL:
    case EFAULT:
      fill.end = FillEnd::kNotMapped;
      break;
    case ENOMEM:
      fill.end = FillEnd::kNoMemory;
      break;
    case ESRCH:
    case ENOSPC:  // before Linux 4.11
      fill.end = FillEnd::kGone;
      break;
    default:
      // EAGAIN also tells that a part was filled; the next call says why not more.
      fill.end = FillEnd::kChanging;
  }
  return fill;
}

}  // namespace

base::Result<void> check_support() {
  const sys::UniqueFd fd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
  uffdio_api api{.api = UFFD_API,
                 .features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
                             UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMOVE,
                 .ioctls = 0};
  if (fd.valid() && ::ioctl(fd.get(), UFFDIO_API, &api) == 0) return {};
  const base::Error cause = base::Error::from_errno(errno, "using userfaultfd");
  return base::fail(base::ErrorCode::kUnsupported, cause.message());
}

Fill fill_pages(int fd, std::uint64_t address, std::span<const std::byte> pages) {
  Fill sum;
  while (sum.bytes < pages.size()) {
    const auto rest = pages.subspan(sum.bytes);
    uffdio_copy copy{.dst = address + sum.bytes,
                     .src = reinterpret_cast<std::uintptr_t>(rest.data()),
                     .len = rest.size(),
                     .mode = 0,
                     .copy = 0};
    if (::ioctl(fd, UFFDIO_COPY, &copy) == 0) return {.bytes = pages.size()};
    const Fill fill = outcome(errno, copy.copy);
    sum = {.bytes = sum.bytes + fill.bytes, .end = fill.end};
    if (fill.bytes == 0) break;
  }
  return sum;
}

Fill fill_zeros(int fd, std::uint64_t address) {
  uffdio_zeropage zero{.range = {.start = address, .len = kPageBytes}, .mode = 0, .zeropage = 0};
  const int error = ::ioctl(fd, UFFDIO_ZEROPAGE, &zero) == 0 ? 0 : errno;
  return outcome(error, zero.zeropage);
}

void wake_waiters(int fd, std::uint64_t address, std::uint64_t bytes) {
  uffdio_range range{.start = address, .len = bytes};
  (void)::ioctl(fd, UFFDIO_WAKE, &range);  // fails for a program that has gone only
}

void wake_all_waiters(int fd) {
  // The kernel compares with the end of the address space, which differs between processors.
  constexpr std::uint64_t kLowest = 1 << 16U;  // vm.mmap_min_addr is no more
  for (const unsigned bits : {56U, 47U, 39U}) {
    const std::uint64_t end = (std::uint64_t{1} << bits) - kPageBytes;
    uffdio_range range{.start = kLowest, .len = end - kLowest};
    if (::ioctl(fd, UFFDIO_WAKE, &range) == 0) return;
  }
}

bool is_gone(int fd) {
  // Only files in memory have what this call maps, so that it changes nothing in ours; but the
  // kernel looks first whether there is an address space (Linux 5.13).
  constexpr std::uint64_t kAnywhere = 1 << 20U;
  uffdio_continue nothing{.range = {.start = kAnywhere, .len = kPageBytes}, .mode = 0, .mapped = 0};
  return ::ioctl(fd, UFFDIO_CONTINUE, &nothing) != 0 && errno == ESRCH;
}

bool read_message(int fd, uffd_msg& message) {
  return ::read(fd, &message, sizeof message) == static_cast<ssize_t>(sizeof message);
}

}  // namespace reprise::pager
