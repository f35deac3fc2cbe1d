// SPDX-License-Identifier: Apache-2.0
//
// OCI image layouts (image-spec 1.1, image-layout.md): directories with images, one of which may be
// a checkpoint in the form that Podman makes and restores: one layer, which is the archive, and
// annotations that say of what.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "archive/tar.h"
#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::exchange {

// A layout, or an archive of one (oci_archive.h), and an image in it.
struct OciPlace {
  std::filesystem::path path;
  std::string tag;  // org.opencontainers.image.ref.name; empty: the only image there
  bool is_archive = false;
};

inline constexpr std::string_view kLayoutScheme = "oci:";
inline constexpr std::string_view kArchiveScheme = "oci-archive:";
bool is_oci_place(std::string_view text);
// "oci:DIRECTORY[:TAG]" or "oci-archive:FILE[:TAG]", as containers' tools write it. kInvalidInput.
base::Result<OciPlace> parse_oci_place(std::string_view text);

struct OciWritten {
  std::string digest;       // of the image's manifest, "sha256:…"
  std::uint64_t bytes = 0;  // of the layer, compressed
};

// Adds an image to a layout, which is made if nothing is there, and gives it the tag (`latest` if
// the place has none), which another image loses. `write_layer` writes a tar archive, uncompressed,
// to the sink that it gets; the layer is compressed with zstd as it is written. Durable on return;
// after a failure the layout has the images that it had. Several processes may write to one layout.
// kInvalidInput if the directory is something else than a layout.
base::Result<OciWritten> write_oci_image(
    const OciPlace& place, const std::map<std::string, std::string>& annotations,
    const std::function<base::Result<void>(const archive::WriteBytes&)>& write_layer);

// The only layer of an image, opened, after it was compared with its digest: reads it once, whole.
// kNotFound if there is no such image (the message lists those that are there), kCorrupt for a
// layout that is damaged, kUnsupported for an image that has not one layer or is an index of
// images.
base::Result<sys::UniqueFd> open_oci_layer(const OciPlace& place);

}  // namespace reprise::exchange
