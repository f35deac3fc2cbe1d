// SPDX-License-Identifier: Apache-2.0
//
// For tests only: the module against a real API server, as tests/e2e/test_kube_client.py drives it.
//
//   kube_probe KUBECONFIG watch PATH         what a listener is told
//   kube_probe KUBECONFIG get PATH           every tenth of a second, whether it can be read
//   kube_probe KUBECONFIG count PATH TIMES   swaps data.count of a ConfigMap up, beside others
//   kube_probe KUBECONFIG lease NAMESPACE NAME WHO [SECONDS]
//   kube_probe KUBECONFIG event NAMESPACE NAME UID TIMES
//
// Those without an end end with SIGTERM.
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "kube/access.h"
#include "kube/client.h"
#include "kube/events.h"
#include "kube/lease.h"
#include "kube/watch.h"

namespace reprise::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

int fail_with(const base::Error& error) {
  say("error " + std::string(base::to_string(error.code())) + " " + error.message());
  return 1;
}

struct Teller final : Listener {
  static std::string name_of(const json& object) {
    return object.at("metadata").at("name").get<std::string>();
  }
  void on_list(std::vector<json> all) override {
    std::string text = "list";
    for (const json& object : all) text += " " + name_of(object);
    say(text);
  }
  void on_change(json object) override { say("change " + name_of(object)); }
  void on_remove(json object) override { say("remove " + name_of(object)); }
  void on_state(bool in_step, const base::Error* why) override {
    say(in_step
            ? "in-step"
            : "out-of-step " + std::string(base::to_string(why->code())) + " " + why->message());
  }
};

void await_end() {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  int which = 0;
  sigwait(&end, &which);
}

int get(Client& client, const std::string& path) {
  std::atomic<bool> over = false;
  std::thread asking([&] {
    for (; !over; std::this_thread::sleep_for(milliseconds{100})) {
      const auto object = client.get(path, &over);
      say(object ? "ok" : "error " + std::string(base::to_string(object.error().code())));
    }
  });
  await_end();
  over = true;
  asking.join();
  return 0;
}

int count(Client& client, const std::string& path, int times) {
  int conflicts = 0;
  while (times > 0) {
    auto object = client.get(path);
    if (!object) return fail_with(object.error());
    const int now = std::stoi((*object)["data"]["count"].get<std::string>());
    (*object)["data"]["count"] = std::to_string(now + 1);
    const auto swapped = client.update(path, *object);
    if (swapped)
      --times;
    else if (is_conflict(swapped.error()))
      ++conflicts;
    else
      return fail_with(swapped.error());
  }
  say("conflicts " + std::to_string(conflicts));
  return 0;
}

int lease(Client& client, const std::vector<std::string>& words) {
  LeaseOptions options{.namespace_ = words.at(0),
                       .name = words.at(1),
                       .identity = words.at(2),
                       .duration = milliseconds{3000},
                       .renewal = milliseconds{500}};
  if (words.size() > 3)
    options.duration = options.release = std::chrono::seconds(std::stoi(words[3]));
  const auto held =
      Lease::start(client, std::move(options), [](bool is_held, const base::Error* why) {
        say(is_held ? "held" : "not-held");
        if (why != nullptr) say("because " + why->message());
      });
  await_end();
  return 0;
}

int event(Client& client, const std::vector<std::string>& words) {
  std::atomic<int> failures = 0;
  auto events = Events::start(client, {.instance = "probe", .recount = milliseconds{100}},
                              [&](const base::Error& why) {
                                ++failures;
                                say("error " + why.message());
                              });
  for (int left = std::stoi(words.at(3)); left > 0; --left) {
    events->post({.about = {"v1", "ConfigMap", words.at(0), words.at(1), words.at(2)},
                  .reason = "Resumed",
                  .action = "Restoring",
                  .note = "goes on where it was"});
    std::this_thread::sleep_for(milliseconds{300});
  }
  events.reset();
  return failures;
}

int run(const std::vector<std::string>& words) {
  const auto access = from_kubeconfig(words.at(1));
  if (!access) return fail_with(access.error());
  const auto opened = Client::open(*access, "reprise-probe");
  if (!opened) return fail_with(opened.error());
  Client& client = **opened;
  const std::string& what = words.at(2);
  if (what == "get") return get(client, words.at(3));
  if (what == "count") return count(client, words.at(3), std::stoi(words.at(4)));
  if (what == "lease") return lease(client, {words.begin() + 3, words.end()});
  if (what == "event") return event(client, {words.begin() + 3, words.end()});
  Teller teller;
  const auto watch = Watch::start(client, words.at(3), {}, teller);
  await_end();
  return 0;
}

}  // namespace
}  // namespace reprise::kube

int main(int argc, char** argv) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, nullptr);
  return reprise::kube::run({argv, argv + argc});
}
