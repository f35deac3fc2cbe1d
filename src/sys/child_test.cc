// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include "sys/files.h"
#include "sys/process.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LastLine, IsTheLastThatIsNotEmpty) {
  EXPECT_EQ(last_line("one\ntwo \n\n"), "two");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line("\n"), "");
}

SpawnOptions shell(std::string script) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", std::move(script)};
  options.env = default_environment();
  return options;
}

SpawnOptions sleeper() {
  SpawnOptions options;
  options.argv = {"sleep", "600"};
  return options;
}

// Before a sleeper() sleeps, its loader opens libraries.
void await_sleep(const std::filesystem::path& proc) {
  const std::string sleeping = std::to_string(SYS_clock_nanosleep) + " ";
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (!read_file(proc / "syscall").value_or("").starts_with(sleeping)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

// Number to target of every descriptor that a sleeper() has open.
std::map<std::string, std::string> descriptors_of(const Child& child) {
  const std::filesystem::path proc = "/proc/" + std::to_string(child.pid());
  await_sleep(proc);
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(proc / "fd"))
    result[entry.path().filename().string()] = std::filesystem::read_symlink(entry).string();
  return result;
}

const std::map<std::string, std::string> kNullStdio = {
    {"0", "/dev/null"}, {"1", "/dev/null"}, {"2", "/dev/null"}};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) std::abort();
  return {.read = UniqueFd(fds[0]), .write = UniqueFd(fds[1])};
}

// Everything until the last writer has closed its end.
std::string drain(const UniqueFd& fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

// What a shell script writes to its descriptor 5.
std::string output_of(SpawnOptions options) {
  Pipe pipe = make_pipe();
  options.fds.emplace_back(pipe.write.get(), 5);
  Result<Child> child = Child::spawn(options);
  if (!child) return child.error().message();
  pipe.write.reset();
  std::string text = drain(pipe.read);
  EXPECT_TRUE(child->wait(seconds(20)));
  return text;
}

bool wait_until_stopped(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOWAIT) == 0;
}

TEST(ExitStatusTest, DescribesBothEnds) {
  EXPECT_EQ((ExitStatus{.exit_code = 3, .signal = 0}).describe(), "exit status 3");
  EXPECT_EQ((ExitStatus{.exit_code = 0, .signal = 9}).describe(), "killed by signal 9");
  EXPECT_TRUE(ExitStatus{}.success());
  EXPECT_FALSE((ExitStatus{.exit_code = 0, .signal = 9}).success());
}

TEST(ChildTest, ReportsTheExitStatusAgainAndAgain) {
  Child child = Child::spawn(shell("exit 7")).value();
  EXPECT_EQ(child.wait(seconds(20)).value().exit_code, 7);
  EXPECT_EQ(child.wait().value().exit_code, 7);
  EXPECT_TRUE(child.kill(SIGTERM)) << "a child that has ended is success";
}

TEST(ChildTest, ReportsTheSignalThatKilledIt) {
  Child child = Child::spawn(shell("kill -TERM $$; sleep 60")).value();
  EXPECT_EQ(child.wait(seconds(20)).value().signal, SIGTERM);
}

TEST(ChildTest, AMissingProgramIsNotFoundAndNamed) {
  SpawnOptions options = shell("");
  for (const char* program : {"no-such-program-reprise", "/no/such/program"}) {
    options.argv = {program};
    const Result<Child> child = Child::spawn(options);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code(), ErrorCode::kNotFound);
    EXPECT_NE(child.error().message().find(program), std::string::npos);
  }
}

TEST(ChildTest, AProgramThatIsNoProgramFailsToSpawn) {
  const TestDirectory directory;
  const path file = directory.file("garbage", "\x7f not a program");
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  SpawnOptions options;
  options.argv = {file.string()};
  const Result<Child> child = Child::spawn(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().error_number(), ENOEXEC);
  EXPECT_NE(child.error().message().find("executing for '"), std::string::npos);
}

// A caller who puts a directory first in the child's PATH means the program in it; the lookup used
// to know the system's directories only.
TEST(ChildTest, TheProgramIsLookedUpInTheChildsPath) {
  const TestDirectory directory;
  const path program = directory.file("reprise-hello", "#!/bin/sh\nexit 42\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  SpawnOptions options;
  options.argv = {"reprise-hello"};
  EXPECT_EQ(Child::spawn(options).error().code(), ErrorCode::kNotFound);
  options.env = {"PATH=/nowhere:" + directory.path().string()};
  EXPECT_EQ(Child::spawn(options).value().wait(seconds(20)).value().exit_code, 42);
}

TEST(ChildTest, WithoutAPathTheSystemsProgramsAreFound) {
  SpawnOptions options;
  options.argv = {"true"};
  options.env = {};
  EXPECT_TRUE(Child::spawn(options).value().wait(seconds(20)).value().success());
}

TEST(ChildTest, WaitTimesOutAndTheChildRunsOn) {
  Child child = Child::spawn(sleeper()).value();
  const Result<ExitStatus> status = child.wait(milliseconds(20));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(is_alive(process_ref(child.pid()).value()));
  ASSERT_TRUE(child.kill(SIGKILL));
  EXPECT_EQ(child.wait(seconds(20)).value().signal, SIGKILL);
}

TEST(ChildTest, ThePidfdTurnsReadableAtTheEnd) {
  Child child = Child::spawn(shell("exit 0")).value();
  pollfd poll_fd{.fd = child.pidfd().get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&poll_fd, 1, 20000), 1);
}

TEST(ChildTest, DroppingKillsAndReaps) {
  pid_t pid = 0;
  {
    const Child child = Child::spawn(sleeper()).value();
    pid = child.pid();
  }
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1) << "a zombie was left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(ChildTest, AssigningKillsTheOldChildAndKeepsTheNew) {
  Child child = Child::spawn(sleeper()).value();
  const ProcessRef old = process_ref(child.pid()).value();
  child = Child::spawn(shell("exit 5")).value();
  EXPECT_FALSE(is_alive(old));
  EXPECT_EQ(child.wait(seconds(20)).value().exit_code, 5);
}

TEST(ChildTest, DetachedChildrenRunOn) {
  ProcessRef ref;
  {
    Child child = Child::spawn(sleeper()).value();
    ref = process_ref(child.pid()).value();
    child.detach();
  }
  EXPECT_TRUE(is_alive(ref));
  ::kill(ref.pid, SIGKILL);
  EXPECT_EQ(::waitpid(ref.pid, nullptr, 0), ref.pid);
}

TEST(ChildTest, DescriptorsArriveUnderTheirNumbersAndNothingElseDoes) {
  const UniqueFd leak(::open("/dev/zero", O_RDONLY));  // on purpose without O_CLOEXEC
  ASSERT_GE(leak.get(), 3);
  const Pipe pipe = make_pipe();
  SpawnOptions options = sleeper();
  options.fds = {{pipe.write.get(), 5}};
  const Child child = Child::spawn(options).value();
  std::map<std::string, std::string> fds = descriptors_of(child);
  ASSERT_TRUE(fds.contains("5"));
  EXPECT_TRUE(fds["5"].starts_with("pipe:")) << fds["5"];
  fds.erase("5");
  EXPECT_EQ(fds, kNullStdio);
}

// The pairs may form a cycle; each must still arrive where it was told.
TEST(ChildTest, DescriptorsCanBeSwapped) {
  Pipe first = make_pipe();
  Pipe second = make_pipe();
  SpawnOptions options = shell("");
  const int a = first.write.get();
  const int b = second.write.get();
  options.argv[2] = "echo A >&" + std::to_string(b) + "; echo B >&" + std::to_string(a);
  options.fds = {{a, b}, {b, a}};
  // Numbers above 9 need bash in redirections.
  if (a > 9 || b > 9) options.argv[0] = "/bin/bash";
  Child child = Child::spawn(options).value();
  first.write.reset();
  second.write.reset();
  EXPECT_EQ(drain(first.read), "A\n");
  EXPECT_EQ(drain(second.read), "B\n");
  EXPECT_TRUE(child.wait(seconds(20)).value().success());
}

// conmon may run us with closed standard descriptors: opening /dev/null then yields number 0
// itself, and its close-on-exec flag used to close it again.
TEST(ChildTest, NullStdioWorksWithStandardDescriptorsClosed) {
  const UniqueFd saved(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10));
  ::close(STDIN_FILENO);
  const Child child = Child::spawn(sleeper()).value();
  ::dup2(saved.get(), STDIN_FILENO);
  EXPECT_EQ(descriptors_of(child), kNullStdio);
}

TEST(ChildTest, InheritedStdioIsTheCallers) {
  const path mine = std::filesystem::read_symlink("/proc/self/fd/0");
  SpawnOptions options = shell("readlink /proc/$$/fd/0 >&5");
  options.stdio = Stdio::kInherit;
  EXPECT_EQ(output_of(std::move(options)), mine.string() + "\n");
}

TEST(ChildTest, ANewSessionIsOne) {
  SpawnOptions options = shell("read -r _ _ _ _ _ sid _ </proc/$$/stat; echo $(($$ - sid)) >&5");
  options.new_session = true;
  EXPECT_EQ(output_of(options), "0\n");
  options.new_session = false;
  EXPECT_NE(output_of(std::move(options)), "0\n");
}

TEST(ChildTest, OwnMountsAreSeenByNobodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount: run the tests with sudo";
  const TestDirectory directory;
  SpawnOptions options = shell("mount -t tmpfs none " + directory.path().string() + " && grep -c " +
                               directory.path().string() + " /proc/self/mountinfo >&5; grep -c " +
                               directory.path().string() + " /proc/$PPID/mountinfo >&5");
  options.own_mounts = true;
  EXPECT_EQ(output_of(std::move(options)), "1\n0\n");
}

TEST(ChildTest, SignalDispositionsAndMaskAreReset) {
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &old);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const std::string masks = output_of(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status >&5"));
  ::signal(SIGPIPE, old_handler);
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
  EXPECT_EQ(masks, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(ChildTest, TheEnvironmentIsExactlyWhatWasGiven) {
  SpawnOptions options;
  options.argv = {"/usr/bin/env"};
  options.env = {"ONE=1", "TWO=2 3"};
  const RunResult result = run(options, seconds(20)).value();
  EXPECT_EQ(result.out, "ONE=1\nTWO=2 3\n");
}

TEST(ChildTest, TooManyDescriptorsAreRefusedBeforeTheFork) {
  SpawnOptions options = shell("exit 0");
  for (int number = 10; number < 20; ++number) options.fds.emplace_back(0, number);
  EXPECT_EQ(Child::spawn(options).error().code(), ErrorCode::kInternal);
}

// Signals that arrive while we wait must neither end the wait nor leave a zombie behind.
TEST(ChildTest, InterruptionsDoNotDisturbWaitingOrReaping) {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction old_action{};
  ::sigaction(SIGALRM, &action, &old_action);
  const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 200},
                        .it_value = {.tv_sec = 0, .tv_usec = 200}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 20; ++i) {
    Child waited = Child::spawn(shell("exit 3")).value();
    EXPECT_EQ(waited.wait(seconds(20)).value().exit_code, 3);
    {
      const Child dropped = Child::spawn(sleeper()).value();
    }
  }
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &old_action, nullptr);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie was left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(DefaultEnvironmentTest, AlwaysHasTheSystemsPathAndExtrasWin) {
  ::unsetenv("PATH");
  ::setenv("REPRISE_TEST_VARIABLE", "old", 1);
  const auto has = [](const std::vector<std::string>& env, std::string_view entry) {
    return std::ranges::count(env, entry) == 1;
  };
  const std::vector<std::string> scrubbed = default_environment({{"REPRISE_TEST_VARIABLE", "new"}});
  EXPECT_TRUE(has(scrubbed, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
  EXPECT_TRUE(has(scrubbed, "REPRISE_TEST_VARIABLE=new"));
  EXPECT_FALSE(has(scrubbed, "REPRISE_TEST_VARIABLE=old"));
  ::setenv("PATH", "/opt/mine", 1);
  EXPECT_TRUE(has(default_environment(),
                  "PATH=/opt/mine:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
}

TEST(RunTest, ReturnsOutputsAndStatusAndPassesInput) {
  const RunResult result =
      run(shell("cat; echo problem >&2; exit 4"), seconds(20), "typed in").value();
  EXPECT_EQ(result.out, "typed in");
  EXPECT_EQ(result.err, "problem\n");
  EXPECT_EQ(result.status.exit_code, 4);
}

TEST(RunTest, OutputLargerThanAPipeDoesNotBlock) {
  const RunResult result = run(shell("head -c 1000000 /dev/zero"), seconds(20)).value();
  EXPECT_EQ(result.out.size(), 1000000U);
}

TEST(RunTest, ATimeoutKillsTheProgram) {
  const Result<RunResult> result = run(sleeper(), milliseconds(50));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(RunOkTest, AFailureCarriesTheLastLine) {
  EXPECT_EQ(run_ok({"echo", "fine"}, seconds(20)).value(), "fine\n");
  const Result<std::string> failed =
      run_ok({"/bin/sh", "-c", "echo one >&2; echo the reason >&2; exit 9"}, seconds(20));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kIo);
  EXPECT_EQ(failed.error().message(), "'/bin/sh' failed (exit status 9): the reason");
}

// A stopped child is still there: dropping it must not wait for it to go on.
TEST(ChildTest, DroppingAStoppedChildDoesNotHang) {
  const auto begin = std::chrono::steady_clock::now();
  {
    Child child = Child::spawn(shell("kill -STOP $$; sleep 600")).value();
    ASSERT_TRUE(wait_until_stopped(child.pid()));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(20));
}

TEST(RunIntoTest, OutputGoesWhereItShould) {
  std::array<std::byte, 8> into{};
  // A grandchild that holds the other end of the output until the test ends: the program's own end
  // is what counts.
  const Pipe until_test_ends = make_pipe();
  SpawnOptions options = shell("printf abc; cat <&9 & printf defgh");
  options.fds = {{until_test_ends.read.get(), 9}};
  const auto size = run_into(std::move(options), seconds(20), into);
  ASSERT_TRUE(size) << size.error().message();
  ASSERT_EQ(*size, 8U);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(into.data()), 8), "abcdefgh");
}

TEST(RunIntoTest, FailuresAreTold) {
  std::array<std::byte, 8> into{};
  EXPECT_EQ(run_into(shell("printf 123456789"), seconds(20), into).error().code(),
            ErrorCode::kInvalidInput);
  EXPECT_EQ(run_into(shell("exec sleep 600"), milliseconds(50), into).error().code(),
            ErrorCode::kBusy);
  EXPECT_EQ(run_into(shell("exec >&-; exec sleep 600"), milliseconds(50), into).error().code(),
            ErrorCode::kBusy);
  const auto failed = run_into(shell("printf 1; echo why >&2; exit 3"), seconds(20), into);
  EXPECT_EQ(failed.error().code(), ErrorCode::kIo);
  EXPECT_EQ(failed.error().message(), "'/bin/sh' failed (exit status 3): why");
}

}  // namespace
}  // namespace reprise::sys
