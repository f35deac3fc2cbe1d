// SPDX-License-Identifier: Apache-2.0
#include "sys/file_mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

std::size_t whole_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<FileMapping> FileMapping::map(int fd, std::uint64_t offset, std::size_t size) {
  if (size == 0) return FileMapping();
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, "reading the size of a file");
  const auto there = static_cast<std::uint64_t>(status.st_size);
  if (there < size || offset > there - size)
    return fail(ErrorCode::kIo, "the file is shorter than it was");
  void* const begin = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (begin == MAP_FAILED) return fail_errno(errno, "mapping a file");
  FileMapping mapping(static_cast<const std::byte*>(begin), size);
  // All at once, instead of a fault for every few pages; and a disk that fails is an error here,
  // but SIGBUS later. Linux 5.14; before, it is left to the faults.
  if (::madvise(begin, whole_pages(size), MADV_POPULATE_READ) != 0 && errno != EINVAL)
    return fail_errno(errno == EFAULT ? EIO : errno, "reading a file");
  return mapping;
}

FileMapping::~FileMapping() {
  // Fails only for addresses that are none.
  if (begin_ != nullptr) ::munmap(const_cast<std::byte*>(begin_), size_);
}

std::span<const std::byte> FileMapping::pages() const { return {begin_, whole_pages(size_)}; }

}  // namespace reprise::sys
