# Every target of ours links tentacle_warnings; generated code does not.
add_library(tentacle_warnings INTERFACE)
target_compile_options(tentacle_warnings INTERFACE
  -Wall -Wextra -Wpedantic
  -Wconversion            # a wire field must not be cut silently
  -Wshadow
  -Wnon-virtual-dtor
  -Wold-style-cast
  -Woverloaded-virtual
  -Wimplicit-fallthrough
  -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns inside its own coroutine frames and inlined std code; all are false (GCC 105562, 105651, 103993).
  target_compile_options(tentacle_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-mismatched-new-delete)
else()
  # std::stable_sort of libstdc++ 12 uses what that library has deprecated itself. The table of vendors is one string,
  # which both compilers take; -Wpedantic of clang holds to the least that the standard asks of them.
  target_compile_options(tentacle_warnings INTERFACE -Wno-deprecated-declarations -Wno-overlength-strings)
  # Debian's Abseil is compiled with g++, which clang 18 and later no longer mangle the names of constrained templates like.
  add_compile_options(-fclang-abi-compat=17)
endif()

# Hardening that costs nothing measurable (docs/libraries.md).
add_compile_options(-fstack-protector-strong -D_GLIBCXX_ASSERTIONS -fno-omit-frame-pointer)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

if(TENTACLE_SANITIZE)
  add_compile_options(-fsanitize=${TENTACLE_SANITIZE} -fno-sanitize-recover=all)
  if(TENTACLE_SANITIZE MATCHES "undefined")
    # What these find, AddressSanitizer finds too or our code has no place for (bytes are read through libs/wire);
    # they are in every member call and cost a fifth of the time to compile.
    add_compile_options(-fno-sanitize=null,alignment,vptr)
  endif()
  add_link_options(-fsanitize=${TENTACLE_SANITIZE})
else()
  # Sanitizers see all of this themselves, and the levels of FORTIFY above 2 need the optimizer.
  add_compile_options($<$<CONFIG:RelWithDebInfo>:-D_FORTIFY_SOURCE=3> -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
    add_compile_options(-fcf-protection)
  endif()
endif()
