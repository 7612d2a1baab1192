// What runs inside WinPE and at the end of Windows' setup. Only values of a fixed form reach a
// batch file: addresses of ours, tokens, numbers and words; "%" cannot be escaped in one. What else
// a task says travels in the answer file or in a file of its own. Lines end with CR LF. Pure.
#pragma once

#include <string>

#include "services/pxe/core/answers.h"

namespace tentacle::pxe {

std::string WinpeShell(const task::v1::BootTask& task, const AnswerContext& context);
// diskpart's commands after "select disk N": EFI system S:, reserved, Windows W:; or one active
// partition.
std::string DiskpartUefi(const task::v1::BootTask& task, const AnswerContext& context);
std::string DiskpartBios(const task::v1::BootTask& task, const AnswerContext& context);
// Drivers, network, the one disk that is meant, image, answer file, boot entry, restart; a report
// at each step.
std::string StartNet(const task::v1::BootTask& task, const AnswerContext& context);
// Run by Windows once, as SYSTEM, before the first login.
std::string SetupComplete(const task::v1::BootTask& task, const AnswerContext& context);
// The task's own PowerShell script, as it is; a comment when it has none.
std::string WindowsPostInstall(const task::v1::BootTask& task, const AnswerContext& context);

}  // namespace tentacle::pxe
