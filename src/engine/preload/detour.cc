// SPDX-License-Identifier: Apache-2.0
//
// `reprise-detour.so`, preloaded into CRIU for a dump of processes whose first executable memory is
// shared and not writable (the compiled code of PHP 8.4, V8's and others' where they lie first).
// CRIU puts a few instructions there and takes them out again, to have the process make system
// calls; the kernel lets nobody write to such memory. They are put into private executable memory
// instead.
//
// CRIU uses ptrace(2) on the place in three ways: it reads and writes words, and sets the registers
// to run there, with an address there as the first argument at most. All of them are diverted for
// the first bytes of such a mapping, none else. Where that cannot be done soundly nothing is
// diverted, and CRIU fails as it does without us. Runs inside a foreign program: no allocation, no
// locks, nothing of the C++ library.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "engine/preload/exec_area.h"

#define REPRISE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using reprise::engine::preload::Area;
using reprise::engine::preload::ExecAreas;
using reprise::engine::preload::parse_area;
using Ptrace = long (*)(int, ...);
using Address = std::uint64_t;

// What CRIU writes: an instruction, and behind it a word or two of data.
constexpr Address kWindow = 256;

Ptrace g_next = nullptr;

__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Ptrace>(::dlsym(RTLD_NEXT, "ptrace"));
}

struct Registers {
#if defined(__x86_64__)
  static unsigned long long& ip(user_regs_struct& r) { return r.rip; }
  static unsigned long long& argument(user_regs_struct& r) { return r.rdi; }
#elif defined(__aarch64__)
  static unsigned long long& ip(user_regs_struct& r) { return r.pc; }
  static unsigned long long& argument(user_regs_struct& r) { return r.regs[0]; }
#endif
};

struct Detour {
  pid_t pid = 0;
  Address from = 0;
  Address to = 0;  // as `from`: none

  [[nodiscard]] bool covers(Address address) const {
    return to != from && address >= from && address < from + kWindow;
  }
  [[nodiscard]] Address of(Address address) const {
    return covers(address) ? address - from + to : address;
  }
};

// One for each of the last processes: CRIU has to do with several at once.
std::array<Detour, 64> g_detours;

Detour& slot_of(pid_t pid) { return g_detours[static_cast<std::size_t>(pid) % g_detours.size()]; }

// All areas of a process, of each line what tells them.
ExecAreas read_areas(int fd) {
  ExecAreas areas;
  std::array<char, 4096> block;  // NOLINT(cppcoreguidelines-pro-type-member-init): read below
  std::array<char, 64> line;     // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  std::size_t length = 0;
  for (ssize_t got = 0; (got = ::read(fd, block.data(), block.size())) > 0;)
    for (ssize_t i = 0; i < got; ++i) {
      const char c = block[static_cast<std::size_t>(i)];
      if (c != '\n') {
        if (length < line.size()) line[length++] = c;
        continue;
      }
      if (const auto area = parse_area({line.data(), length})) areas.add(*area);
      length = 0;
    }
  return areas;
}

// A program that stands there itself could not be told from one that CRIU sends there.
bool stands_in(pid_t pid, Address from) {
  user_regs_struct registers{};
  iovec io{.iov_base = &registers, .iov_len = sizeof registers};
  if (g_next(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io) != 0 || io.iov_len != sizeof registers)
    return true;
  return Registers::ip(registers) >= from && Registers::ip(registers) < from + kWindow;
}

// CRIU looks at the place before it writes there, and only the first page of an area is it.
void look_for_detour(pid_t pid, Address address) {
  constexpr Address kPage = 4096;
  Detour& detour = slot_of(pid);
  const Address from = address & ~(kPage - 1);
  if (address - from >= kWindow || (detour.pid == pid && detour.from == from)) return;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/maps", pid);
  const int fd = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ExecAreas areas = read_areas(fd);
  ::close(fd);
  detour = {.pid = pid, .from = from, .to = from};
  if (areas.needs_detour() && areas.first.start == from && areas.instead.end != 0 &&
      !stands_in(pid, from))
    detour.to = areas.instead.start;
}

long set_registers(pid_t pid, const Detour& detour, void* kind, void* data) {
  const auto* io = static_cast<const iovec*>(data);
  user_regs_struct registers;  // NOLINT(cppcoreguidelines-pro-type-member-init): copied below
  if (io->iov_len != sizeof registers) return g_next(PTRACE_SETREGSET, pid, kind, data);
  registers = *static_cast<const user_regs_struct*>(io->iov_base);
  if (Registers::ip(registers) != detour.from) return g_next(PTRACE_SETREGSET, pid, kind, data);
  Registers::ip(registers) = detour.to;
  Registers::argument(registers) = detour.of(Registers::argument(registers));
  iovec diverted{.iov_base = &registers, .iov_len = sizeof registers};
  return g_next(PTRACE_SETREGSET, pid, kind, &diverted);
}

}  // namespace

// The C library's own takes what a request does not need as undefined, too.
REPRISE_EXPORT long ptrace(__ptrace_request request, ...) noexcept {
  va_list list;
#if defined(__clang__)
#pragma clang diagnostic push
// The enumeration is that of glibc's own declaration, and as wide as the int it is passed as.
#pragma clang diagnostic ignored "-Wvarargs"
#endif
  va_start(list, request);
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
  const pid_t pid = va_arg(list, pid_t);
  void* address = va_arg(list, void*);
  void* data = va_arg(list, void*);
  va_end(list);
  const int error = errno;
  const auto place = reinterpret_cast<Address>(address);
  if (request == PTRACE_PEEKDATA) look_for_detour(pid, place);
  errno = error;
  const Detour& detour = slot_of(pid);
  if (detour.pid == pid && detour.to != detour.from) {
    if (request == PTRACE_PEEKDATA || request == PTRACE_POKEDATA)
      address = reinterpret_cast<void*>(detour.of(place));  // NOLINT(performance-no-int-to-ptr)
    if (request == PTRACE_SETREGSET && place == NT_PRSTATUS)
      return set_registers(pid, detour, address, data);
  }
  return g_next(request, pid, address, data);
}
