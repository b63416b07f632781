"""The names that an exported function of C cannot have: words of C and C++, and what their libraries define."""

from __future__ import annotations

import re

_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default defined
delete do double dynamic_cast else enum explicit export extern false final float for fortran friend goto if import
inline int long main module mutable namespace new noexcept not not_eq nullptr operator or or_eq override private
protected public register reinterpret_cast requires restrict return short signed sizeof static static_assert
static_cast std struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual
union unsigned using virtual void volatile wchar_t while xor xor_eq linux unix i386
"""
# Of math.h, complex.h and tgmath.h: each stands with f and l behind it as well.
_MATH = """
acos acosh acospi asin asinh asinpi atan atan2 atan2pi atanh atanpi canonicalize cbrt ceil compoundn copysign cos cosh
cospi dadd ddiv dfma dmul drem dsqrt dsub erf erfc exp exp10 exp10m1 exp2 exp2m1 expm1 fabs fadd fdim fdiv ffma finite
floor fma fmax fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmin fminimum fminimum_mag fminimum_mag_num
fminimum_num fmod fmul frexp fromfp fromfpx fsqrt fsub gamma getpayload hypot ilogb isinf isnan j0 j1 jn ldexp lgamma
llogb llrint llround log log10 log10p1 log1p log2 log2p1 logb logp1 lrint lround modf nan nearbyint nextafter nextdown
nexttoward nextup pow pow10 pown powr remainder remquo rint rootn round roundeven rsqrt scalb scalbln scalbn
setpayload setpayloadsig significand sin sincos sinh sinpi sqrt tan tanh tanpi tgamma totalorder totalordermag trunc
ufromfp ufromfpx y0 y1 yn cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cexp2 cimag clog clog10
clog2 conj cpow cproj creal csin csinh csqrt ctan ctanh
"""
_LIBRARY = """
abort abs accept access aligned_alloc alarm alloca asctime assert at_quick_exit atexit atof atoi atol atoll bcmp bcopy
bind bsearch btowc bzero calloc carg chdir chmod chown clearerr clock close complex connect creat ctime dcgettext
daemon dgettext difftime div double_t dup dup2 environ errno execl execle execlp execv execve execvp exit fchmod
fclose fcntl fdopen feclearexcept fegetenv fegetexceptflag fegetround feholdexcept feof feraiseexcept ferror fesetenv
fesetexceptflag fesetround fetestexcept feupdateenv fflush ffs ffsl ffsll fgetc fgetpos fgets fgetwc fgetws fileno
float_t fopen fork fpclassify fprintf fputc fputs fputwc fputws fread free freopen fscanf fseek fsetpos fstat fsync
ftell ftruncate fwide fwprintf fwrite fwscanf getc getchar getcwd getenv getline getpid gets gettext gettimeofday
getuid getwc getwchar gmtime htonl htons imaginary imaxabs imaxdiv index ioctl isalnum isalpha isascii isatty isblank
iscanonical iscntrl isdigit iseqsig isfinite isgraph isgreater isgreaterequal isless islessequal islessgreater islower
isnormal isprint ispunct issignaling isspace issubnormal isunordered isupper iswalnum iswalpha iswblank iswcntrl
iswctype iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit isxdigit iszero kill labs lchown
ldiv link listen llabs lldiv localeconv localtime longjmp lseek lstat malloc mblen mbrlen mbrtowc mbsinit mbsrtowcs
mbstowcs mbtowc memalignment memccpy memchr memcmp memcpy memmem memmove mempcpy memset mkdir mkstemp mktime mmap
mount munmap nanosleep ngettext nice ntohl ntohs offsetof once_flag open pause perror pipe poll printf putc putchar
putenv puts putwc putwchar qsort quick_exit raise rand random read readlink realloc recv remove rename rewind rindex
rmdir sbrk scanf select send setbuf setenv setjmp setlocale setpgid setsid setuid setvbuf sigaction signal signbit
signgam sleep snprintf socket sprintf srand srandom sscanf stat stderr stdin stdout stime stpcpy stpncpy strcasecmp
strcat strchr strcmp strcoll strcpy strcspn strdup strerror strfrom strftime strlen strncasecmp strncat strncmp
strncpy strndup strnlen strpbrk strrchr strsep strsignal strspn strstr strtod strtof strtoimax strtok strtol strtold
strtoll strtoul strtoull strtoumax strxfrm swab swprintf swscanf symlink sync syscall sysconf syslog system tcsetattr
time times timespec_get tm tmpfile tmpnam toascii tolower toupper towctrans towlower towupper truncate umask umount
uname ungetc ungetwc unlink unsetenv usleep utime va_arg va_copy va_end va_start vfork vfprintf vfscanf vfwprintf
vfwscanf vprintf vscanf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wait waitpid wcrtomb wcscat
wcschr wcscmp wcscoll wcscpy wcscspn wcsftime wcslen wcsncat wcsncmp wcsncpy wcspbrk wcsrchr wcsrtombs wcsspn wcsstr
wcstod wcstof wcstoimax wcstok wcstol wcstold wcstoll wcstombs wcstoul wcstoull wcstoumax wcsxfrm wctob wctomb wctrans
wctype wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf write wscanf
"""
_TAKEN = frozenset(
    {*_WORDS.split(), *_LIBRARY.split(), *(name + ending for name in _MATH.split() for ending in ("", "f", "l"))}
)
# Macros such as NAN and EOF, types such as size_t; a double underscore belongs to the compiler in C++.
_PATTERNS = re.compile(r"[A-Z][A-Z0-9_]*|FILE|.*_t|.*__.*")


def is_taken(name: str) -> bool:
    """Whether C, C++ or one of their libraries has the name.

    >>> is_taken("log"), is_taken("NAN"), is_taken("predict"), is_taken("Wine")
    (True, True, False, False)
    """
    return name in _TAKEN or _PATTERNS.fullmatch(name) is not None
