// SPDX-License-Identifier: Apache-2.0
#include "session/checkpoint/admitted.h"

#include <string>
#include <utility>

#include "base/fault.h"
#include "container/cgroup.h"
#include "container/joined_namespaces.h"
#include "sys/process.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

Result<void> refuse_paused(const oci::State& state) {
  if (!REPRISE_PASS(container::Cgroup(state.cgroup_paths).is_frozen())) return {};
  return std::unexpected(Error(ErrorCode::kBusy, "the container is paused")
                             .with_hint("resume it first: podman unpause NAME"));
}

Result<void> refuse(const std::vector<preflight::Obstacle>& found) {
  if (found.empty()) return {};
  const preflight::Obstacle& first = found.front();
  std::string text = first.subject + " " + first.text;
  if (found.size() > 1)
    text += " (and " + std::to_string(found.size() - 1) + " more: see 'reprise doctor')";
  return std::unexpected(Error(ErrorCode::kUnsupported, text).with_hint(first.remedy));
}

Result<Admitted> admit(const Context& context) {
  REPRISE_PASS(base::fault_point("session-begin"));
  const auto& request = context.request;
  oci::State state = REPRISE_PASS(context.runtime().state_of(request.container));
  oci::Spec spec = REPRISE_PASS(oci::load_spec(state.bundle));
  oci::Wishes wishes = REPRISE_PASS(oci::parse_wishes(spec.annotations));
  // Whoever made a namespace that the container joined may have ended.
  spec.network_namespace_path =
      container::network_path_of(spec.network_namespace_path, state.init.pid);
  if (!sys::is_alive(state.init))
    return fail(ErrorCode::kGone, "container '" + request.container.str() + "' has ended");
  REPRISE_PASS(refuse_paused(state));
  REPRISE_PASS(refuse(
      preflight::examine(context.proc, state.init.pid, {.spec = &spec, .bundle = state.bundle})
          .obstacles));
  return Admitted{.state = std::move(state), .spec = std::move(spec), .wishes = std::move(wishes)};
}

}  // namespace reprise::session
