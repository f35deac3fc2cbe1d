// SPDX-License-Identifier: Apache-2.0
//
// An OCI image layout in one file: a tar archive of its directory, as containers' tools make and
// take it ("oci-archive:").
#pragma once

#include <filesystem>

#include "archive/tar.h"
#include "base/result.h"
#include "exchange/oci_layout.h"

namespace reprise::exchange {

// The whole layout in `directory`, uncompressed.
base::Result<void> write_oci_archive(const std::filesystem::path& directory,
                                     const archive::WriteBytes& sink);

// The only layer of an image in the archive `place.path`, which may be compressed, after it was
// compared with its digest; the file is read twice. Errors as of open_oci_layer().
base::Result<archive::ReadBytes> open_oci_archive_layer(const OciPlace& place);

}  // namespace reprise::exchange
