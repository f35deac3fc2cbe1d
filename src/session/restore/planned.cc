// SPDX-License-Identifier: Apache-2.0
#include "session/restore/planned.h"

#include <filesystem>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "host/message.h"
#include "network/network.h"
#include "session/attributes.h"
#include "session/network_state.h"
#include "sys/process.h"

namespace reprise::session {

using base::fault_point;
using base::Result;

namespace {

// A namespace that runc makes itself is set up by CRIU; there is nothing to enter yet.
Result<void> prepare_network(const Context& context, const oci::Spec& spec, Planned& planned) {
  const std::filesystem::path ns = spec.network_namespace_path;
  if (ns.empty()) return {};
  const undo::Journal journal = context.journal();
  REPRISE_PASS(journal.write(undo::NetworkChanged{{.network = ns}}));
  REPRISE_PASS(set_up_network(context, spec, ns, planned));
  const auto addresses = REPRISE_PASS(addresses_to_adopt(*planned.reader));
  REPRISE_PASS(journal.write(undo::AddressesAdopted{.network = ns, .addresses = addresses}));
  // Not every one is needed, and CRIU has the last word about those that are.
  base::warn_and_ignore(network::adopt_addresses(ns, addresses),
                        "sockets of an old address may not be restored");
  return {};
}

// CRIU lowers limits, and fails to raise them, without a word; runc and CRIU have our limits.
void note_lost_limits(Planned& planned) {
  if (sys::has_cap_sys_resource()) return;
  const auto lost = planned.restore->lost_limits();
  base::warn_and_ignore(lost, "limits not compared");
  if (lost && !lost->empty())
    planned.lost.push_back(
        "hard limits were not raised to what they were, since this host lacks "
        "CAP_SYS_RESOURCE: " +
        *lost);
}

// What the wrapper is to run, so that the restored process becomes a child of its parent.
Result<host::Ready> ready_message(const Context& context, const std::filesystem::path& images,
                                  engine::Restore& restore, const engine::OutsideMounts& mounted) {
  engine::RestoreCommand command = REPRISE_PASS(restore.plan(mounted));
  return host::Ready{.argv = std::move(command.argv),
                     .environment = std::move(command.environment),
                     .image_path = images.string(),
                     .work_path = context.directory().string()};
}

// What fails because memory is to come later may pass: the next attempt has all of it first.
Result<PagerLink> start_pager(const Context& context, const sys::FileLock& hold) {
  auto pager = PagerLink::start(context, hold);
  if (pager) return pager;
  return base::fail(base::ErrorCode::kBusy, pager.error().message());
}

}  // namespace

Result<void> set_up_network(const Context& context, const oci::Spec& spec,
                            const network::NetworkNamespace& ns, Planned& planned) {
  std::string lost = REPRISE_PASS(restore_network_state(context, *planned.reader, spec, ns));
  if (!lost.empty()) planned.lost.push_back(std::move(lost));
  return {};
}

Result<Planned> plan_restore(Context& context, const Requested& requested, Furnished furnished,
                             Phases& phases) {
  Planned planned{.reader = std::move(furnished.reader),
                  .restore = std::move(furnished.restore),
                  .pager = {},
                  .lost = {}};
  phases.begin("network");
  REPRISE_PASS(prepare_network(context, requested.spec, planned));
  REPRISE_PASS(fault_point("restore-network"));
  REPRISE_TRY(prepare_images(*planned.reader, furnished.images), "preparing the sockets");
  note_lost_limits(planned);
  const host::Ready ready =
      REPRISE_PASS(ready_message(context, furnished.images, *planned.restore, furnished.overlays));
  phases.begin("restore");
  REPRISE_PASS(fault_point("before-restore"));
  if (furnished.hold) planned.pager = REPRISE_PASS(start_pager(context, *furnished.hold));
  REPRISE_PASS(context.journal().write(undo::RestoreBegun()));
  report(context.caller, ready);
  REPRISE_PASS(fault_point("restore-ready"));
  return planned;
}

}  // namespace reprise::session
