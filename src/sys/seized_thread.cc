// SPDX-License-Identifier: Apache-2.0
#include "sys/seized_thread.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

#include "sys/files.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::Result;
using std::chrono::steady_clock;

namespace {

// With an address as data, for requests whose glibc prototype is variadic.
long trace(int request, pid_t tid, std::uintptr_t address = 0, std::uintptr_t data = 0) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): ptrace takes numbers in the guise of pointers
  return ::ptrace(static_cast<__ptrace_request>(request), tid, reinterpret_cast<void*>(address),
                  reinterpret_cast<void*>(data));  // NOLINT(performance-no-int-to-ptr)
}

std::string name_of(pid_t tid) { return "thread " + std::to_string(tid); }

std::unexpected<base::Error> failed(int error, pid_t tid, const char* step) {
  if (error == ESRCH) return fail(ErrorCode::kGone, name_of(tid) + " has ended");
  return base::fail_errno(error, std::string(step) + " " + name_of(tid));
}

// The mapping "[vdso]" of the process, which every program has and no program writes to.
Result<std::pair<std::uint64_t, std::uint64_t>> vdso_of(pid_t tid) {
  const std::string maps = REPRISE_PASS(read_file("/proc/" + std::to_string(tid) + "/maps"));
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with("[vdso]")) continue;
    constexpr int kHex = 16;
    char* rest = nullptr;
    const std::uint64_t begin = std::strtoull(line.c_str(), &rest, kHex);
    const std::uint64_t end = *rest == '-' ? std::strtoull(rest + 1, nullptr, kHex) : 0;
    if (end > begin) return std::pair(begin, end);
  }
  return fail(ErrorCode::kUnsupported, name_of(tid) + " has no vdso");
}

// struct ptrace_rseq_configuration (linux/ptrace.h).
struct RseqConfiguration {
  std::uint64_t area = 0;
  std::uint32_t size = 0;
  std::uint32_t signature = 0;
  std::uint32_t flags = 0;
  std::uint32_t pad = 0;
};

// Of rseq_cs in struct rseq, and what that points to, struct rseq_cs (linux/rseq.h).
constexpr std::uint64_t kRseqPointerOffset = 8;
struct CriticalSection {
  std::uint32_t version = 0;
  std::uint32_t flags = 0;
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::uint64_t abort = 0;
};

}  // namespace

SeizedThread::SeizedThread(SeizedThread&& other) noexcept
    : tid_(std::exchange(other.tid_, 0)),
      saved_(other.saved_),
      signals_(other.signals_),
      instruction_(other.instruction_),
      stack_(other.stack_),
      stack_used_(other.stack_used_),
      saved_all_(other.saved_all_) {}

SeizedThread::~SeizedThread() {
  if (tid_ == 0) return;
  if (stack_used_) {
    const std::uint64_t address = *place(stack_.data(), 0);
    for (std::size_t i = 0; i < stack_.size(); ++i)
      trace(PTRACE_POKEDATA, tid_, address + i * sizeof(stack_[0]), stack_[i]);
  }
  if (saved_all_) {
    trace(PTRACE_SETREGS, tid_, 0, reinterpret_cast<std::uintptr_t>(&saved_));
    trace(PTRACE_SETSIGMASK, tid_, sizeof(signals_), reinterpret_cast<std::uintptr_t>(&signals_));
  }
  trace(PTRACE_DETACH, tid_);
}

Result<SeizedThread> SeizedThread::seize(pid_t tid, std::chrono::milliseconds patience) {
#if defined(__x86_64__)
  if (trace(PTRACE_SEIZE, tid, 0, PTRACE_O_SUSPEND_SECCOMP | PTRACE_O_TRACESYSGOOD) != 0) {
    if (errno == EPERM)
      return fail(ErrorCode::kDenied, name_of(tid) + " is traced, or may not be by us");
    return failed(errno, tid, "stopping");
  }
  SeizedThread thread(tid);
  if (trace(PTRACE_INTERRUPT, tid) != 0) return failed(errno, tid, "stopping");
  const auto deadline = steady_clock::now() + patience;
  constexpr std::chrono::microseconds kPause{50};
  for (;;) {
    int status = 0;
    const pid_t waited = ::waitpid(tid, &status, __WALL | WNOHANG);
    if (waited == tid) {
      if (WIFSTOPPED(status)) break;
      thread.tid_ = 0;
      return fail(ErrorCode::kGone, name_of(tid) + " has ended");
    }
    if (waited < 0 && errno != EINTR) return failed(errno, tid, "waiting for");
    // A running thread cannot be detached from: ending our own thread would, which nobody wants.
    if (steady_clock::now() > deadline)
      return fail(ErrorCode::kBusy, name_of(tid) + " does not stop");
    std::this_thread::sleep_for(kPause);
  }
  REPRISE_PASS(thread.save());
  REPRISE_PASS(thread.find_instruction());
  REPRISE_PASS(thread.leave_critical_section());
  return thread;
#else
  return fail(ErrorCode::kUnsupported, name_of(tid) + " cannot be asked on this machine");
#endif
}

Result<void> SeizedThread::save() {
  if (trace(PTRACE_GETREGS, tid_, 0, reinterpret_cast<std::uintptr_t>(&saved_)) != 0 ||
      trace(PTRACE_GETSIGMASK, tid_, sizeof(signals_),
            reinterpret_cast<std::uintptr_t>(&signals_)) != 0)
    return failed(errno, tid_, "reading the registers of");
  constexpr std::uint64_t kCode64 = 0x33;  // __USER_CS
  if (saved_.cs != kCode64)
    return fail(ErrorCode::kUnsupported, name_of(tid_) + " runs a program of 32 bit");
  saved_all_ = true;
  // A signal that comes between two steps would be taken for one of them.
  const std::uint64_t all = ~std::uint64_t{0};
  if (trace(PTRACE_SETSIGMASK, tid_, sizeof(all), reinterpret_cast<std::uintptr_t>(&all)) != 0)
    return failed(errno, tid_, "blocking the signals of");
  return {};
}

Result<void> SeizedThread::find_instruction() {
  const auto [begin, end] = REPRISE_PASS(vdso_of(tid_));
  std::string code(end - begin, '\0');
  const UniqueFd memory =
      REPRISE_PASS(open_file("/proc/" + std::to_string(tid_) + "/mem", O_RDONLY));
  REPRISE_PASS(read_at(memory.get(), begin, std::as_writable_bytes(std::span(code))));
  const std::size_t at = code.find("\x0f\x05");
  if (at == std::string::npos)
    return fail(ErrorCode::kUnsupported, name_of(tid_) + " has no system call in its vdso");
  instruction_ = begin + at;
  return {};
}

// A restartable sequence (rseq(2)) is begun anew by the kernel when its thread was interrupted in
// it. Where the thread goes on elsewhere, as it does for us, the kernel forgets that instead.
Result<void> SeizedThread::leave_critical_section() {
  constexpr int kGetConfiguration = 0x420f;  // PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13
  RseqConfiguration configuration;
  if (trace(kGetConfiguration, tid_, sizeof(configuration),
            reinterpret_cast<std::uintptr_t>(&configuration)) < 0 ||
      configuration.area == 0)
    return {};
  const std::uint64_t pointer = configuration.area + kRseqPointerOffset;
  const UniqueFd memory =
      REPRISE_PASS(open_file("/proc/" + std::to_string(tid_) + "/mem", O_RDONLY));
  std::uint64_t address = 0;
  REPRISE_PASS(read_at(memory.get(), pointer, std::as_writable_bytes(std::span(&address, 1))));
  if (address == 0) return {};
  CriticalSection section;
  REPRISE_PASS(read_at(memory.get(), address, std::as_writable_bytes(std::span(&section, 1))));
  if (saved_.rip - section.start >= section.length) return {};
  if (trace(PTRACE_POKEDATA, tid_, pointer, 0) != 0)
    return failed(errno, tid_, "ending the critical section of");
  saved_.rip = section.abort;
  return {};
}

// To the next beginning or end of a system call. Not by single steps: the kernel forces a SIGTRAP
// for each, and takes the program's handler away if that is blocked or ignored.
Result<void> SeizedThread::step() {
  constexpr int kMostStops = 8;  // SIGSTOP cannot be blocked, and stops once more
  constexpr int kSystemCall = SIGTRAP | 0x80;
  for (int i = 0; i < kMostStops; ++i) {
    if (trace(PTRACE_SYSCALL, tid_) != 0) return failed(errno, tid_, "stepping");
    int status = 0;
    while (::waitpid(tid_, &status, __WALL) < 0)
      if (errno != EINTR) return failed(errno, tid_, "waiting for");
    if (!WIFSTOPPED(status)) {
      tid_ = 0;
      return fail(ErrorCode::kGone, "a thread was ended while it was asked");
    }
    if (WSTOPSIG(status) == kSystemCall) return {};
  }
  return fail(ErrorCode::kBusy, name_of(tid_) + " is stopped again and again");
}

Result<long> SeizedThread::call(long number, const Arguments& arguments) {
#if defined(__x86_64__)
  user_regs_struct registers = saved_;
  registers.rip = instruction_;
  registers.rax = static_cast<std::uint64_t>(number);
  registers.orig_rax = ~std::uint64_t{0};  // nothing is to be restarted
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  if (trace(PTRACE_SETREGS, tid_, 0, reinterpret_cast<std::uintptr_t>(&registers)) != 0)
    return failed(errno, tid_, "setting the registers of");
  REPRISE_PASS(step());
  REPRISE_PASS(step());
  if (trace(PTRACE_GETREGS, tid_, 0, reinterpret_cast<std::uintptr_t>(&registers)) != 0)
    return failed(errno, tid_, "reading the registers of");
  constexpr std::uint64_t kLength = 2;  // of the instruction
  if (registers.rip != instruction_ + kLength)
    return fail(ErrorCode::kInternal, name_of(tid_) + " did not make the system call");
  return static_cast<long>(registers.rax);
#else
  (void)number;
  (void)arguments;
  return fail(ErrorCode::kUnsupported, "no system calls for others on this machine");
#endif
}

Result<std::uint64_t> SeizedThread::place(const void* bytes, std::size_t size) {
#if defined(__x86_64__)
  REPRISE_ASSERT(size <= kScratchSize);
  REPRISE_ASSERT(size % sizeof(stack_[0]) == 0);
  // Below the 128 bytes under the stack pointer that belong to the running function.
  constexpr std::uint64_t kRedZone = 128;
  constexpr std::uint64_t kAlignment = 16;
  const std::uint64_t address = (saved_.rsp - kRedZone - kScratchSize) / kAlignment * kAlignment;
  if (!std::exchange(stack_used_, true))
    for (std::size_t i = 0; i < stack_.size(); ++i) {
      errno = 0;
      stack_[i] =
          static_cast<std::uint64_t>(trace(PTRACE_PEEKDATA, tid_, address + i * sizeof(stack_[0])));
      if (errno == 0) continue;
      stack_used_ = false;
      return failed(errno, tid_, "reading the stack of");
    }
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, sizeof(word));
    if (trace(PTRACE_POKEDATA, tid_, address + i, word) != 0)
      return failed(errno, tid_, "writing to the stack of");
  }
  return address;
#else
  (void)bytes;
  (void)size;
  return fail(ErrorCode::kUnsupported, "no system calls for others on this machine");
#endif
}

Result<void> SeizedThread::fetch(void* bytes, std::size_t size) {
  const std::uint64_t address = REPRISE_PASS(place(bytes, 0));
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    errno = 0;
    const auto word = static_cast<std::uint64_t>(trace(PTRACE_PEEKDATA, tid_, address + i));
    if (errno != 0) return failed(errno, tid_, "reading the stack of");
    std::memcpy(static_cast<char*>(bytes) + i, &word, sizeof(word));
  }
  return {};
}

}  // namespace reprise::sys
