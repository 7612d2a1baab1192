#include "services/pxe/core/winpe_scripts.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/pxe/core/escape.h"

namespace tentacle::pxe {

namespace {

using task::v1::BootTask;

// Batch files are read line by line with CR LF.
std::string Dos(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

// A subroutine of both batch files: "call :report EVENT PERCENT TEXT". The text is ours.
std::string ReportRoutine(const AnswerContext& context, std::string_view curl) {
  return fmt::format(
      ":report\n"
      "echo Octofleet: %~3\n"
      "\"{0}\" -s -S -m 30 --retry 5 --retry-delay 2 -o NUL -X POST -H \"Content-Type: "
      "application/json\" "
      "-H \"Authorization: Bearer {1}\" --data-binary "
      "\"{{\\\"event\\\":\\\"%~1\\\",\\\"progress\\\":%~2,\\\"message\\\":\\\"%~3\\\"}}\" \"{2}\"\n"
      "exit /b 0\n",
      curl, BootWord(context.callback_token), BootWord(context.callback_url));
}

std::string DriverLines(const AnswerContext& context,
                        std::string_view before,
                        std::string_view behind) {
  std::string lines;
  for (const std::string& file : context.drivers) {
    const std::string name = OnlyWords(file, "");
    if (name.ends_with(".inf") || name.ends_with(".INF"))
      lines += fmt::format("{}{}{}\n", before, name, behind);
  }
  return lines;
}

// Sets DISK to the number of the disk that is meant, or goes to :refuse. A serial needs WMI in the
// boot.wim; without a serial there has to be exactly one fixed disk.
std::string FindDisk(const BootTask& task) {
  std::string text =
      "set DISK=\n"
      "set COUNT=0\n";
  if (!task.disk().serial().empty()) {
    text += fmt::format(
        "for /f \"tokens=2 delims==\" %%d in ('wmic diskdrive where \"SerialNumber like "
        "'%%{0}%%'\" get Index "
        "/value 2^>NUL ^| find \"=\"') do call :candidate %%d\n"
        "if %COUNT%==0 set WHY=no disk has the serial {0}\n"
        "if %COUNT%==0 goto refuse\n",
        OnlyWords(task.disk().serial(), ""));
  } else {
    text +=
        "echo list disk>X:\\list.txt\n"
        "for /f \"tokens=2\" %%d in ('diskpart /s X:\\list.txt ^| findstr /r /c:\"^  [^ ]* "
        "[0-9]\"') do "
        "call :candidate %%d\n"
        "if %COUNT%==0 set WHY=this machine has no disk\n"
        "if %COUNT%==0 goto refuse\n";
  }
  return text +
         "if not %COUNT%==1 set WHY=several disks could be meant, and the task names none of them\n"
         "if not %COUNT%==1 goto refuse\n";
}

}  // namespace

std::string WinpeShell(const BootTask&, const AnswerContext&) {
  return Dos(
      "[LaunchApps]\n%SYSTEMROOT%\\System32\\cmd.exe, /c %SYSTEMROOT%\\System32\\startnet.cmd\n");
}

std::string DiskpartUefi(const BootTask&, const AnswerContext&) {
  return Dos(
      "clean\nconvert gpt\n"
      "create partition efi size=300\nformat quick fs=fat32 label=System\nassign letter=S\n"
      "create partition msr size=16\n"
      "create partition primary\nformat quick fs=ntfs label=Windows\nassign letter=W\n"
      "exit\n");
}

std::string DiskpartBios(const BootTask&, const AnswerContext&) {
  return Dos(
      "clean\nconvert mbr\n"
      "create partition primary size=500\nformat quick fs=ntfs label=System\nassign "
      "letter=S\nactive\n"
      "create partition primary\nformat quick fs=ntfs label=Windows\nassign letter=W\n"
      "exit\n");
}

std::string StartNet(const BootTask& task, const AnswerContext& context) {
  const std::string answers = BootWord(context.answers_url);
  std::string text =
      "@echo off\n"
      "setlocal enableextensions\n"
      "set CURL=X:\\Windows\\System32\\curl.exe\n"
      "set GET=%CURL% -f -s -S --retry 10 --retry-delay 2 --retry-connrefused\n";
  text += DriverLines(context, "drvload X:\\Windows\\System32\\", "");
  text += fmt::format(
      "wpeinit\n"
      "wpeutil UpdateBootInfo\n"
      "set FIRMWARE=BIOS\n"
      "for /f \"tokens=3\" %%f in ('reg query HKLM\\System\\CurrentControlSet\\Control /v "
      "PEFirmwareType ^| "
      "find \"PEFirmwareType\"') do if %%f==0x2 set FIRMWARE=UEFI\n"
      "set TRIES=0\n"
      ":network\n"
      "set /a TRIES=TRIES+1\n"
      "%GET% -o X:\\unattend.xml {0}/unattend.xml && goto ready\n"
      "if %TRIES% GEQ 30 set WHY=the answer file could not be fetched\n"
      "if %TRIES% GEQ 30 goto refuse\n"
      "ping -n 3 127.0.0.1 >NUL\n"
      "goto network\n"
      ":ready\n"
      "%GET% -o X:\\SetupComplete.cmd {0}/SetupComplete.cmd || goto files\n"
      "%GET% -o X:\\post.ps1 {0}/post.ps1 || goto files\n"
      "call :report booted 5 \"WinPE runs\"\n",
      answers);
  text += FindDisk(task);
  text += fmt::format(
      "call :report partitioning 25 \"preparing disk %DISK%\"\n"
      "echo select disk %DISK%>X:\\part.txt\n"
      "type X:\\Windows\\System32\\deploypart.txt>>X:\\part.txt\n"
      "diskpart /s X:\\part.txt || goto disk\n"
      "call :report downloading 30 \"fetching the image\"\n"
      "%GET% -C - -o W:\\install.wim \"{0}\" || goto image\n"
      "for /f \"skip=1 tokens=* delims=\" %%h in ('certutil -hashfile W:\\install.wim SHA256') do "
      "if not defined SUM set SUM=%%h\n"
      "if /i not \"%SUM: =%\"==\"{1}\" goto checksum\n"
      "call :report applying 50 \"applying image {2}\"\n"
      "dism /apply-image /imagefile:W:\\install.wim /index:{2} /applydir:W:\\ || goto apply\n"
      "del W:\\install.wim\n",
      BootWord(context.image.url), OnlyWords(context.image.sha256, ""),
      std::max(task.image_index(), 1u));
  text += DriverLines(context, "dism /image:W:\\ /add-driver /driver:X:\\Windows\\System32\\",
                      " || goto drivers");
  text +=
      "md W:\\Windows\\Panther 2>NUL\n"
      "md W:\\Windows\\Setup\\Scripts 2>NUL\n"
      "copy /y X:\\unattend.xml W:\\Windows\\Panther\\unattend.xml || goto files\n"
      "copy /y X:\\SetupComplete.cmd W:\\Windows\\Setup\\Scripts\\SetupComplete.cmd || goto files\n"
      "copy /y X:\\post.ps1 W:\\Windows\\Setup\\Scripts\\octofleet-post.ps1 || goto files\n"
      "copy /y %CURL% W:\\Windows\\Setup\\Scripts\\octofleet-curl.exe || goto files\n"
      "bcdboot W:\\Windows /s S: /f %FIRMWARE% || goto boot\n"
      "call :report configuring 85 \"restarting\"\n"
      "wpeutil reboot\n"
      "exit /b 0\n"
      ":candidate\n"
      "set DISK=%1\n"
      "set /a COUNT=COUNT+1\n"
      "exit /b 0\n"
      ":disk\nset WHY=diskpart could not prepare the disk\ngoto refuse\n"
      ":image\nset WHY=the image could not be fetched\ngoto refuse\n"
      ":checksum\nset WHY=the image's SHA-256 is not the one that was ordered\ngoto refuse\n"
      ":apply\nset WHY=dism could not apply the image\ngoto refuse\n"
      ":drivers\nset WHY=dism could not add a driver\ngoto refuse\n"
      ":files\nset WHY=a file of the installation could not be put in its place\ngoto refuse\n"
      ":boot\nset WHY=bcdboot could not make the disk start\ngoto refuse\n"
      ":refuse\n"
      "call :report failed 0 \"%WHY%\"\n"
      "echo This machine waits to be switched off or restarted.\n"
      "cmd /k\n"
      "exit /b 1\n";
  return Dos(text + ReportRoutine(context, "%CURL%"));
}

std::string SetupComplete(const BootTask& task, const AnswerContext& context) {
  constexpr std::string_view kCurl = "%SystemRoot%\\Setup\\Scripts\\octofleet-curl.exe";
  std::string text =
      "@echo off\n"
      "set TRIES=0\n"
      ":network\n"
      "set /a TRIES=TRIES+1\n"
      "ping -n 2 127.0.0.1 >NUL\n"
      "ipconfig | find \".\" >NUL || if %TRIES% LSS 60 goto network\n"
      "call :report firstboot 95 \"Windows runs from its own disk\"\n"
      // The answer file holds a password; Windows keeps it unless told otherwise.
      "del /q %SystemRoot%\\Panther\\unattend.xml 2>NUL\n";
  if (!task.post_install().agent_url().empty()) {
    text += fmt::format(
        "\"{}\" -f -s -S --retry 10 -o %SystemRoot%\\Temp\\octofleet-agent.msi \"{}\" && "
        "msiexec /i %SystemRoot%\\Temp\\octofleet-agent.msi /qn /norestart\n",
        kCurl, BootWord(task.post_install().agent_url()));
  }
  text +=
      "powershell -NoProfile -ExecutionPolicy Bypass -File "
      "%SystemRoot%\\Setup\\Scripts\\octofleet-post.ps1\n"
      "call :report done 100 \"Windows is ready\"\n"
      "del /q %SystemRoot%\\Setup\\Scripts\\octofleet-*.* 2>NUL\n"
      "(goto) 2>NUL & del \"%~f0\"\n";
  return Dos(text + ReportRoutine(context, kCurl));
}

std::string WindowsPostInstall(const BootTask& task, const AnswerContext&) {
  const std::string& script = task.post_install().script();
  return script.empty() ? "# The task has no script of its own.\r\n" : script;
}

}  // namespace tentacle::pxe
