@echo off
setlocal enableextensions
set CURL=X:\Windows\System32\curl.exe
set GET=%CURL% -f -s -S --retry 10 --retry-delay 2 --retry-connrefused
drvload X:\Windows\System32\netkvm.inf
drvload X:\Windows\System32\viostor.inf
wpeinit
wpeutil UpdateBootInfo
set FIRMWARE=BIOS
for /f "tokens=3" %%f in ('reg query HKLM\System\CurrentControlSet\Control /v PEFirmwareType ^| find "PEFirmwareType"') do if %%f==0x2 set FIRMWARE=UEFI
set TRIES=0
:network
set /a TRIES=TRIES+1
%GET% -o X:\unattend.xml http://192.168.10.2:9080/answers/0011/unattend.xml && goto ready
if %TRIES% GEQ 30 set WHY=the answer file could not be fetched
if %TRIES% GEQ 30 goto refuse
ping -n 3 127.0.0.1 >NUL
goto network
:ready
%GET% -o X:\SetupComplete.cmd http://192.168.10.2:9080/answers/0011/SetupComplete.cmd || goto files
%GET% -o X:\post.ps1 http://192.168.10.2:9080/answers/0011/post.ps1 || goto files
call :report booted 5 "WinPE runs"
set DISK=
set COUNT=0
for /f "tokens=2 delims==" %%d in ('wmic diskdrive where "SerialNumber like '%%WD-1234%%'" get Index /value 2^>NUL ^| find "="') do call :candidate %%d
if %COUNT%==0 set WHY=no disk has the serial WD-1234
if %COUNT%==0 goto refuse
if not %COUNT%==1 set WHY=several disks could be meant, and the task names none of them
if not %COUNT%==1 goto refuse
call :report partitioning 25 "preparing disk %DISK%"
echo select disk %DISK%>X:\part.txt
type X:\Windows\System32\deploypart.txt>>X:\part.txt
diskpart /s X:\part.txt || goto disk
call :report downloading 30 "fetching the image"
%GET% -C - -o W:\install.wim "http://192.168.10.2:9081/images/img-1" || goto image
for /f "skip=1 tokens=* delims=" %%h in ('certutil -hashfile W:\install.wim SHA256') do if not defined SUM set SUM=%%h
if /i not "%SUM: =%"=="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" goto checksum
call :report applying 50 "applying image 2"
dism /apply-image /imagefile:W:\install.wim /index:2 /applydir:W:\ || goto apply
del W:\install.wim
dism /image:W:\ /add-driver /driver:X:\Windows\System32\netkvm.inf || goto drivers
dism /image:W:\ /add-driver /driver:X:\Windows\System32\viostor.inf || goto drivers
md W:\Windows\Panther 2>NUL
md W:\Windows\Setup\Scripts 2>NUL
copy /y X:\unattend.xml W:\Windows\Panther\unattend.xml || goto files
copy /y X:\SetupComplete.cmd W:\Windows\Setup\Scripts\SetupComplete.cmd || goto files
copy /y X:\post.ps1 W:\Windows\Setup\Scripts\octofleet-post.ps1 || goto files
copy /y %CURL% W:\Windows\Setup\Scripts\octofleet-curl.exe || goto files
bcdboot W:\Windows /s S: /f %FIRMWARE% || goto boot
call :report configuring 85 "restarting"
wpeutil reboot
exit /b 0
:candidate
set DISK=%1
set /a COUNT=COUNT+1
exit /b 0
:disk
set WHY=diskpart could not prepare the disk
goto refuse
:image
set WHY=the image could not be fetched
goto refuse
:checksum
set WHY=the image's SHA-256 is not the one that was ordered
goto refuse
:apply
set WHY=dism could not apply the image
goto refuse
:drivers
set WHY=dism could not add a driver
goto refuse
:files
set WHY=a file of the installation could not be put in its place
goto refuse
:boot
set WHY=bcdboot could not make the disk start
goto refuse
:refuse
call :report failed 0 "%WHY%"
echo This machine waits to be switched off or restarted.
cmd /k
exit /b 1
:report
echo Octofleet: %~3
"%CURL%" -s -S -m 30 --retry 5 --retry-delay 2 -o NUL -X POST -H "Content-Type: application/json" -H "Authorization: Bearer fedcba98" --data-binary "{\"event\":\"%~1\",\"progress\":%~2,\"message\":\"%~3\"}" "http://192.168.10.2:9080/api/v1/provisioning/tasks/t1/events"
exit /b 0
