// SPDX-License-Identifier: Apache-2.0
#include "session/foreign.h"

#include "catalog/origin.h"
#include "image/manifest.h"
#include "oci/spec.h"
#include "sys/files.h"
#include "vetting/file_trees.h"
#include "vetting/vet.h"

namespace reprise::session {

using base::Result;

namespace {

// An import has looked at those of an archive and written them itself; these may be anybody's.
Result<void> check_trees(store::CheckpointReader& reader, const vetting::Grants& grants) {
  constexpr std::string_view kParts = "parts/";
  for (const image::ManifestFile& file : reader.manifest().files) {
    if (!file.name.starts_with(kParts) || !file.name.ends_with(".tar")) continue;
    const std::string name = file.name.substr(kParts.size());
    REPRISE_TRY(vetting::check_tree(REPRISE_PASS(reader.part(name)), grants),
                "looking into '" + name + "' of the checkpoint");
  }
  return {};
}

}  // namespace

Result<std::vector<vetting::MadePlace>> vet_foreign(Context& context,
                                                    store::CheckpointReader& reader,
                                                    const std::filesystem::path& images) {
  const image::Manifest& manifest = reader.manifest();
  const bool own = manifest.trigger != image::Trigger::kImport &&
                   REPRISE_PASS(catalog::is_made_here(context.layout.store, manifest.id));
  if (own) return std::vector<vetting::MadePlace>();
  const std::filesystem::path config =
      context.request.restore().bundle / std::filesystem::path("config.json");
  const vetting::Grants grants =
      REPRISE_PASS(vetting::parse_grants(REPRISE_PASS(sys::read_file(config))));
  const vetting::Host host = REPRISE_PASS(vetting::this_host());
  vetting::Vetted vetted =
      REPRISE_TRY(vetting::vet_images(images, grants, host),
                  "comparing checkpoint '" + manifest.id.str() + "' with its container");
  REPRISE_PASS(check_trees(reader, grants));
  if (!vetted.seccomp.empty())
    REPRISE_PASS(sys::replace_file(images / "seccomp.img", vetted.seccomp));
  if (!vetted.cgroups.empty())
    REPRISE_PASS(sys::replace_file(images / "cgroup.img", vetted.cgroups));
  return std::move(vetted.places);
}

Result<void> check_foreign_places(const std::vector<vetting::MadePlace>& places,
                                  const oci::Spec& spec) {
  std::map<std::string, std::string> sources;
  for (const oci::Mount& mount : spec.mounts)
    if (mount.type == "bind") sources[mount.destination] = mount.source;
  return vetting::check_places(places, spec.root_path, sources);
}

}  // namespace reprise::session
