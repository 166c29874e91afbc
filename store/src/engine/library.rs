//! `libchdb`, ClickHouse as a C library, behind types that cannot be misused.
//!
//! The only file of the project with `unsafe`: the library ships no header for Rust, so its few functions are declared
//! here by hand and found with `dlopen`. What the types hold fast: a result is freed once; a stream borrows its
//! connection, which runs one statement at a time; a connection may move between threads but is used by one.
#![allow(unsafe_code, reason = "the one place that calls the C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// What is said when another process has the folder.
pub(super) const HELD: &str = "the engine refused to open its data folder: is another process using it?";

/// The version whose functions are declared below; another one is refused.
const VERSION: &str = "26.7.3";

/// Why the library cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No file at any of the places.
    #[error(
        "libchdb.so, the ClickHouse engine, is at none of: {}; install it with `npm ci --prefix deploy/engine` (178 MB) \
         or name the file in `engine.library`",
        .0.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Missing(Vec<PathBuf>),
    /// The file is no library that can be loaded here.
    #[error("load {path}: {cause}; it must be libchdb for glibc on x86-64")]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader says.
        cause: libloading::Error,
    },
    /// Another version: its functions may differ.
    #[error("{path} is libchdb {found}, not {VERSION}; install it with `npm ci --prefix deploy/engine`")]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: String,
    },
}

/// What the engine says went wrong: `Code: 60. DB::Exception: …`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    /// ClickHouse's error code, 0 if the text has none.
    pub(super) fn code(&self) -> u32 {
        let digits = self.0.split_once("Code: ").map_or("", |(_, rest)| rest);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

type Handle = *mut c_void;
type Texts = *const *const c_char;
type Query = unsafe extern "C" fn(
    Handle,
    *const c_char,
    usize,
    *const c_char,
    usize,
    Texts,
    *const usize,
    Texts,
    *const usize,
    usize,
) -> Handle;

/// `chdb_query_analysis_v1`.
#[repr(C)]
#[derive(Default)]
struct Analysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

macro_rules! functions {
    ($($field:ident = $symbol:literal : $kind:ty;)*) => {
        struct Functions { $($field: $kind),* }

        impl Functions {
            /// # Safety
            /// `library` is libchdb of [`VERSION`], and the `Functions` do not outlive it.
            unsafe fn find(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                // SAFETY: each type is the one that the header of this version declares for the symbol.
                unsafe { Ok(Functions { $($field: *library.get::<$kind>($symbol)?),* }) }
            }
        }
    };
}

functions! {
    set_signal_handlers = b"chdb_set_signal_handlers_enabled\0": unsafe extern "C" fn(c_int);
    connect = b"chdb_connect\0": unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Handle;
    close = b"chdb_close_conn\0": unsafe extern "C" fn(*mut Handle);
    shutdown = b"chdb_shutdown\0": unsafe extern "C" fn() -> c_int;
    query = b"chdb_query_with_params_n\0": Query;
    stream = b"chdb_stream_query_with_params_n\0": Query;
    fetch = b"chdb_stream_fetch_result\0": unsafe extern "C" fn(Handle, Handle) -> Handle;
    cancel = b"chdb_stream_cancel_query\0": unsafe extern "C" fn(Handle, Handle);
    insert = b"chdb_stream_insert_n\0":
        unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize) -> Handle;
    insert_append = b"chdb_stream_append\0": unsafe extern "C" fn(Handle, *const c_void, usize) -> c_int;
    insert_done = b"chdb_stream_done\0": unsafe extern "C" fn(Handle) -> Handle;
    insert_error = b"chdb_stream_insert_error\0": unsafe extern "C" fn(Handle) -> *const c_char;
    insert_destroy = b"chdb_destroy_insert_stream\0": unsafe extern "C" fn(Handle);
    result_buffer = b"chdb_result_buffer\0": unsafe extern "C" fn(Handle) -> *const c_char;
    result_length = b"chdb_result_length\0": unsafe extern "C" fn(Handle) -> usize;
    result_error = b"chdb_result_error\0": unsafe extern "C" fn(Handle) -> *const c_char;
    result_rows_written = b"chdb_result_rows_written\0": unsafe extern "C" fn(Handle) -> u64;
    result_destroy = b"chdb_destroy_query_result\0": unsafe extern "C" fn(Handle);
    classify = b"chdb_classify_query_n\0":
        unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize, *mut Analysis) -> c_int;
}

/// The loaded library. It is never unloaded: its threads run until the process ends.
pub(super) struct Library {
    functions: Functions,
    _loaded: ManuallyDrop<libloading::Library>,
}

impl Library {
    /// Loads the first of `places` that exists.
    pub(super) fn load(places: &[PathBuf]) -> Result<Arc<Library>, LibraryError> {
        let path = places.iter().find(|place| place.is_file());
        let path = path.ok_or_else(|| LibraryError::Missing(places.to_vec()))?;
        // A bare file name would be searched for along the loader's path, not here.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        Library::open(&path)
    }

    fn open(path: &Path) -> Result<Arc<Library>, LibraryError> {
        let failed = |cause| LibraryError::Load { path: path.to_owned(), cause };
        // SAFETY: loading runs the library's initialisers; the operator chose the file, and it is trusted as code.
        let loaded = unsafe { libloading::Library::new(path) }.map_err(failed)?;
        let loaded = ManuallyDrop::new(loaded);
        // SAFETY: `chdb_version` has had this type in every version; the text it returns is static.
        let found = unsafe {
            let version: unsafe extern "C" fn() -> *const c_char =
                *loaded.get(b"chdb_version\0").map_err(failed)?;
            CStr::from_ptr(version()).to_string_lossy().into_owned()
        };
        if found != VERSION {
            return Err(LibraryError::Version { path: path.to_owned(), found });
        }
        // SAFETY: the version was just checked, and `loaded` is never dropped.
        let functions = unsafe { Functions::find(&loaded) }.map_err(failed)?;
        // SAFETY: before the first connection, as the header asks. Signals are ours: SIGTERM closes in order.
        unsafe { (functions.set_signal_handlers)(0) };
        Ok(Arc::new(Library { functions, _loaded: loaded }))
    }

    /// Opens a connection; the first one starts the engine with its server-level arguments.
    pub(super) fn connect(self: &Arc<Self>, arguments: &[String]) -> Result<Connection, Fault> {
        let mut owned: Vec<CString> = vec![c"clickhouse".to_owned()];
        for argument in arguments {
            let argument = CString::new(argument.as_str());
            owned.push(argument.map_err(|_| Fault("an argument of the engine holds a zero byte".into()))?);
        }
        let mut pointers: Vec<*mut c_char> = owned.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| Fault("too many arguments".into()))?;
        // SAFETY: `count` pointers to C strings that live through the call; the library does not write to them.
        let handle = unsafe { (self.functions.connect)(count, pointers.as_mut_ptr()) };
        match NonNull::new(handle) {
            // SAFETY: a connection that is not null points to its inner handle.
            Some(handle) if unsafe { !(*handle.as_ptr()).is_null() } => {
                Ok(Connection { library: Arc::clone(self), handle })
            }
            _ => Err(Fault(HELD.into())),
        }
    }

    /// Stops the engine's threads; every connection must be closed before.
    pub(super) fn shutdown(&self) -> bool {
        // SAFETY: no arguments; the library itself refuses while a connection is open.
        unsafe { (self.functions.shutdown)() == 0 }
    }

    fn result(self: &Arc<Self>, handle: Handle) -> Result<Answer, Fault> {
        let handle = NonNull::new(handle).ok_or_else(|| Fault("the engine gave no result".into()))?;
        let answer = Answer { library: Arc::clone(self), handle };
        // SAFETY: the handle is a live result; its error is null or a C string that lives as long.
        let error = unsafe { text((self.functions.result_error)(handle.as_ptr())) };
        error.map_or(Ok(answer), |error| Err(Fault(error)))
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(VERSION)
    }
}

/// # Safety
/// `pointer` is null or a C string that lives through the call.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// Ends the process at once, without the C++ destructors that crash while the library's threads still run.
pub(super) fn exit_now(code: i32) -> ! {
    unsafe extern "C" {
        fn _exit(code: c_int) -> !;
    }
    // SAFETY: `_exit` of POSIX takes any number and does not return.
    unsafe { _exit(code) }
}

/// A session of the engine: settings and the current database are its own; one statement at a time.
pub(super) struct Connection {
    library: Arc<Library>,
    handle: NonNull<Handle>,
}

// SAFETY: the library lets a connection be used from any thread, one at a time, which `&mut self` enforces.
unsafe impl Send for Connection {}

/// What the engine's own parser says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// How many statements it holds; 0 if it does not parse.
    pub(super) count: u32,
    /// `chdb_query_class`: 0 leaves no trace, 1 changes a database, 2 changes what is beside, 3 controls, 4 unknown.
    pub(super) class: u32,
}

impl Connection {
    fn raw(&self) -> Handle {
        // SAFETY: checked to be a connection when it was opened; closed only by drop.
        unsafe { *self.handle.as_ptr() }
    }

    fn run(
        &mut self,
        function: Query,
        sql: &[u8],
        format: &str,
        params: &[(String, String)],
    ) -> Result<Answer, Fault> {
        let names: Vec<*const c_char> = params.iter().map(|(name, _)| name.as_ptr().cast()).collect();
        let name_lengths: Vec<usize> = params.iter().map(|(name, _)| name.len()).collect();
        let values: Vec<*const c_char> = params.iter().map(|(_, value)| value.as_ptr().cast()).collect();
        let value_lengths: Vec<usize> = params.iter().map(|(_, value)| value.len()).collect();
        // SAFETY: every pointer comes with its length and lives through the call; the four lists have one length.
        let result = unsafe {
            function(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                names.as_ptr(),
                name_lengths.as_ptr(),
                values.as_ptr(),
                value_lengths.as_ptr(),
                params.len(),
            )
        };
        self.library.result(result)
    }

    /// Runs a statement to its end. Values of `params` are in ClickHouse's escaped text form.
    pub(super) fn query(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &[(String, String)],
    ) -> Result<Answer, Fault> {
        self.run(self.library.functions.query, sql, format, params)
    }

    /// Starts a SELECT whose result comes in pieces; the engine streams nothing else.
    pub(super) fn stream(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &[(String, String)],
    ) -> Result<Stream<'_>, Fault> {
        let handle = self.run(self.library.functions.stream, sql, format, params)?;
        Ok(Stream { connection: self, handle, done: false })
    }

    /// Starts an insert of data in `format`; `sql` has no FORMAT clause. The only way in that is safe for binary data.
    pub(super) fn insert(&mut self, sql: &[u8], format: &str) -> Result<Insert<'_>, Fault> {
        let functions = &self.library.functions;
        // SAFETY: both texts live through the call; the connection has no other statement open.
        let handle = unsafe {
            (functions.insert)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
            )
        };
        let handle = NonNull::new(handle).ok_or_else(|| Fault("the engine gave no insert".into()))?;
        let insert = Insert { connection: self, handle };
        insert.check()?;
        Ok(insert)
    }

    /// Asks the engine's parser what a text would do, without running it.
    pub(super) fn classify(&mut self, sql: &[u8]) -> Option<Statement> {
        let mut analysis = Analysis { struct_size: 16, ..Analysis::default() };
        // SAFETY: the text lives through the call; no target database; `struct_size` is the struct's size.
        let state = unsafe {
            (self.library.functions.classify)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                ptr::null(),
                0,
                &raw mut analysis,
            )
        };
        (state == 0).then_some(Statement { count: analysis.statement_count, class: analysis.query_class })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened by `connect`, closed only here; streams and inserts borrow it, so none is open.
        unsafe { (self.library.functions.close)(self.handle.as_ptr()) };
    }
}

/// A result's bytes, freed on drop.
pub(super) struct Answer {
    library: Arc<Library>,
    handle: NonNull<c_void>,
}

// SAFETY: a result is plain memory once returned; it is read only.
unsafe impl Send for Answer {}
// SAFETY: as above; the functions that read it do not change it.
unsafe impl Sync for Answer {}

impl Answer {
    /// How many rows the statement wrote.
    pub(super) fn rows_written(&self) -> u64 {
        // SAFETY: a live result.
        unsafe { (self.library.functions.result_rows_written)(self.handle.as_ptr()) }
    }
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        let functions = &self.library.functions;
        // SAFETY: a live result; buffer and length belong together and live until it is destroyed.
        unsafe {
            let buffer = (functions.result_buffer)(self.handle.as_ptr());
            let length = (functions.result_length)(self.handle.as_ptr());
            if buffer.is_null() || length == 0 {
                return &[];
            }
            std::slice::from_raw_parts(buffer.cast(), length)
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: a live result, destroyed only here.
        unsafe { (self.library.functions.result_destroy)(self.handle.as_ptr()) };
    }
}

/// A SELECT in progress. Dropping it before its end cancels it.
pub(super) struct Stream<'c> {
    connection: &'c mut Connection,
    handle: Answer,
    done: bool,
}

impl Stream<'_> {
    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Answer>, Fault> {
        let library = &self.connection.library;
        // SAFETY: connection and stream are live and used by this thread only.
        let piece = unsafe { (library.functions.fetch)(self.connection.raw(), self.handle.handle.as_ptr()) };
        let piece = library.result(piece).inspect_err(|_| self.done = true)?;
        if piece.as_ref().is_empty() {
            self.done = true;
            return Ok(None);
        }
        Ok(Some(piece))
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if !self.done {
            let cancel = self.connection.library.functions.cancel;
            // SAFETY: connection and stream are live; the handle itself is freed by `Answer`.
            unsafe { cancel(self.connection.raw(), self.handle.handle.as_ptr()) };
        }
    }
}

/// An insert in progress. Dropping it before [`Insert::finish`] inserts nothing of the open block.
pub(super) struct Insert<'c> {
    connection: &'c mut Connection,
    handle: NonNull<c_void>,
}

impl Insert<'_> {
    fn check(&self) -> Result<(), Fault> {
        // SAFETY: a live insert; the error is null or a C string that lives as long.
        let error = unsafe { text((self.connection.library.functions.insert_error)(self.handle.as_ptr())) };
        error.map_or(Ok(()), |error| Err(Fault(error)))
    }

    /// Hands over a piece of the data; waits while the engine is behind.
    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), Fault> {
        let append = self.connection.library.functions.insert_append;
        // SAFETY: a live insert; the engine copies the bytes during the call.
        let state = unsafe { append(self.handle.as_ptr(), data.as_ptr().cast(), data.len()) };
        if state == 0 {
            return Ok(());
        }
        self.check()?;
        Err(Fault("the engine refused the data without a reason".into()))
    }

    /// Commits and tells how many rows were written.
    pub(super) fn finish(self) -> Result<u64, Fault> {
        // SAFETY: a live insert; it is destroyed by drop afterwards, as the header asks.
        let result = unsafe { (self.connection.library.functions.insert_done)(self.handle.as_ptr()) };
        Ok(self.connection.library.result(result)?.rows_written())
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        // SAFETY: a live insert, destroyed only here; the library cancels one that was not finished.
        unsafe { (self.connection.library.functions.insert_destroy)(self.handle.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_says_where_it_was_sought_and_how_to_get_it() {
        let error = Library::load(&["/nowhere/libchdb.so".into()]).unwrap_err().to_string();
        assert!(error.contains("/nowhere/libchdb.so"), "{error}");
        assert!(error.contains("npm ci --prefix deploy/engine"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_library_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libchdb.so");
        std::fs::write(&path, "text").unwrap();
        let error = Library::load(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(error.contains("libchdb.so") && error.contains("x86-64"), "{error}");
    }

    #[test]
    fn the_code_is_read_from_the_message() {
        assert_eq!(Fault("Code: 60. DB::Exception: Unknown table".into()).code(), 60);
        assert_eq!(Fault("no code".into()).code(), 0);
    }
}
