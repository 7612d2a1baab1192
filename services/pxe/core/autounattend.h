// Windows' answer file, built as a document and never as text: pugixml escapes what a task says.
// Pure.
//
// Reference: Microsoft, "Unattended Windows Setup Reference". Setup itself does not run here (WinPE
// applies the image), so the passes specialize and oobeSystem act; windowsPE is there for media
// that start Setup with the same file.
#pragma once

#include <string>

#include "services/pxe/core/answers.h"

namespace tentacle::pxe {

std::string Autounattend(const task::v1::BootTask& task, const AnswerContext& context);

// "Europe/Berlin" -> "W. Europe Standard Time"; "UTC" for a zone that is not in the table, and the
// text itself when it is no IANA name.
std::string WindowsTimezone(const std::string& timezone);

// "de_DE.UTF-8" -> "de-DE".
std::string WindowsLocale(const std::string& locale);

}  // namespace tentacle::pxe
