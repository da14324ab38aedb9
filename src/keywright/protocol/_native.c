/* What each request costs most, compiled: MACs from kept states, our headers among the others, plain JSON.

   Optional. Python does the same without it and is the reference: the tests of the protocol run on both ways, and
   tests/protocol/test_native.py holds this against Python, byte for byte. Three rules keep it small:

   1  The rounds of SHA-2 are OpenSSL's. Its low-level contexts are plain structs, so that a kept state is copied by
      assignment (RFC 2104, section 4); the EVP calls take as long for one copy as this does for the whole MAC.
   2  What reads a request says yes or "not plain", never no: whatever is out of the ordinary is left to Python.
   3  What comes from a key is wiped: states when their object goes, copies before the call returns.

   The stable ABI of Python 3.11: one build serves every later version. Why it is here: docs/decisions. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* low-level, as rule 1 says */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>

#define VERSION 1 /* must be keywright.protocol.native.VERSION, or this is a build of another day and is not used */

/* ── MACs ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef union {
    SHA256_CTX sha256;
    SHA512_CTX sha384; /* SHA-384 is SHA-512 from another beginning, cut short */
} State;

typedef struct {
    PyObject_HEAD
    int is_384;
    State inner, outer; /* after the key, XOR ipad and XOR opad */
} Mac;

enum { LONGEST_MAC = 48, LONGEST_BLOCK = 128 };

static size_t mac_size(const Mac *self) { return self->is_384 ? 48 : 32; }

static void begin(int is_384, State *state)
{
    if (is_384)
        SHA384_Init(&state->sha384);
    else
        SHA256_Init(&state->sha256);
}

static void update(int is_384, State *state, const void *data, size_t size)
{
    if (is_384)
        SHA384_Update(&state->sha384, data, size);
    else
        SHA256_Update(&state->sha256, data, size);
}

static void finish(int is_384, State *state, unsigned char *into)
{
    if (is_384)
        SHA384_Final(into, &state->sha384);
    else
        SHA256_Final(into, &state->sha256);
}

static PyObject *mac_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *key;
    int bits;
    if (keywords != NULL) {
        PyErr_SetString(PyExc_TypeError, "Mac takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "Si", &key, &bits))
        return NULL;
    if (bits != 256 && bits != 384) {
        PyErr_SetString(PyExc_ValueError, "a MAC is made with SHA-256 or SHA-384");
        return NULL;
    }
    Mac *self = (Mac *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL)
        return NULL;
    int is_384 = self->is_384 = bits == 384;
    size_t block = is_384 ? 128 : 64, size = (size_t)PyBytes_Size(key);
    const char *secret = PyBytes_AsString(key);
    unsigned char pad[LONGEST_BLOCK] = {0};
    if (size > block) { /* a key longer than a block is hashed first */
        State hashed;
        begin(is_384, &hashed);
        update(is_384, &hashed, secret, size);
        finish(is_384, &hashed, pad);
        OPENSSL_cleanse(&hashed, sizeof hashed);
    } else
        memcpy(pad, secret, size);
    for (size_t n = 0; n < block; n++)
        pad[n] ^= 0x36;
    begin(is_384, &self->inner);
    update(is_384, &self->inner, pad, block);
    for (size_t n = 0; n < block; n++)
        pad[n] ^= 0x36 ^ 0x5c;
    begin(is_384, &self->outer);
    update(is_384, &self->outer, pad, block);
    OPENSSL_cleanse(pad, sizeof pad);
    return (PyObject *)self;
}

static void mac_dealloc(PyObject *object)
{
    Mac *self = (Mac *)object;
    PyTypeObject *type = Py_TYPE(object);
    OPENSSL_cleanse(&self->inner, sizeof self->inner);
    OPENSSL_cleanse(&self->outer, sizeof self->outer);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

typedef struct {
    const void *data;
    size_t size;
} Part;

static void make_mac(const Mac *self, const Part *parts, int count, unsigned char *into)
{
    int is_384 = self->is_384;
    size_t used = is_384 ? sizeof(SHA512_CTX) : sizeof(SHA256_CTX);
    State state;
    memcpy(&state, &self->inner, used);
    for (int n = 0; n < count; n++)
        update(is_384, &state, parts[n].data, parts[n].size);
    finish(is_384, &state, into);
    memcpy(&state, &self->outer, used);
    update(is_384, &state, into, mac_size(self));
    finish(is_384, &state, into);
    OPENSSL_cleanse(&state, used);
}

/* Returns 0 and sets TypeError for what is not bytes. */
static int as_part(PyObject *object, Part *part)
{
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(object, &data, &size) < 0)
        return 0;
    *part = (Part){data, (size_t)size};
    return 1;
}

static int mac_of(PyObject *self, PyObject *message, unsigned char *into)
{
    Part part;
    if (!as_part(message, &part))
        return 0;
    make_mac((Mac *)self, &part, 1, into);
    return 1;
}

static size_t as_base64(const unsigned char *data, size_t size, char *into)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *end = into;
    for (size_t n = 0; n < size; n += 3) {
        unsigned three = data[n] << 16 | (n + 1 < size ? data[n + 1] << 8 : 0) | (n + 2 < size ? data[n + 2] : 0);
        *end++ = signs[three >> 18];
        *end++ = signs[three >> 12 & 63];
        *end++ = n + 1 < size ? signs[three >> 6 & 63] : '=';
        *end++ = n + 2 < size ? signs[three & 63] : '=';
    }
    return (size_t)(end - into);
}

static char hex_sign(int four) { return (char)(four + (four < 10 ? '0' : 'a' - 10)); }

static PyObject *as_hex(const unsigned char *data, size_t size)
{
    char text[LONGEST_MAC * 2];
    for (size_t n = 0; n < size; n++) {
        text[2 * n] = hex_sign(data[n] >> 4);
        text[2 * n + 1] = hex_sign(data[n] & 15);
    }
    return PyBytes_FromStringAndSize(text, (Py_ssize_t)(2 * size));
}

static PyObject *mac_digest(PyObject *self, PyObject *message)
{
    unsigned char mac[LONGEST_MAC];
    if (!mac_of(self, message, mac))
        return NULL;
    return PyBytes_FromStringAndSize((char *)mac, (Py_ssize_t)mac_size((Mac *)self));
}

static PyObject *mac_base64(PyObject *self, PyObject *message)
{
    unsigned char mac[LONGEST_MAC];
    char text[LONGEST_MAC * 2];
    if (!mac_of(self, message, mac))
        return NULL;
    return PyBytes_FromStringAndSize(text, (Py_ssize_t)as_base64(mac, mac_size((Mac *)self), text));
}

static PyObject *mac_hex(PyObject *self, PyObject *message)
{
    unsigned char mac[LONGEST_MAC];
    if (!mac_of(self, message, mac))
        return NULL;
    return as_hex(mac, mac_size((Mac *)self));
}

static int are(Py_ssize_t wanted, Py_ssize_t count)
{
    if (count != wanted)
        PyErr_Format(PyExc_TypeError, "%zd arguments are needed", wanted);
    return count == wanted;
}

/* Return a number in digits, and the MAC in hex of what is before it, its digits and what is after it. */
static PyObject *mac_hex_around(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Part parts[3];
    char digits[20]; /* of 2^63 - 1, 19 */
    size_t at = sizeof digits;
    unsigned char mac[LONGEST_MAC];
    if (!are(3, count) || !as_part(args[0], &parts[0]) || !as_part(args[2], &parts[2]))
        return NULL;
    PyObject *whole = PyLong_CheckExact(args[1]) ? Py_NewRef(args[1]) : PyNumber_Long(args[1]);
    if (whole == NULL) /* made whole as "%d" does it: people give times as they come */
        return NULL;
    long long number = PyLong_AsLongLong(whole);
    Py_DECREF(whole);
    if (number < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_OverflowError, "a number below 0");
        return NULL;
    }
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    parts[1] = (Part){digits + at, sizeof digits - at};
    make_mac((Mac *)self, parts, 3, mac);
    PyObject *text = PyBytes_FromStringAndSize(digits + at, (Py_ssize_t)(sizeof digits - at));
    PyObject *hex = as_hex(mac, mac_size((Mac *)self));
    PyObject *both = text != NULL && hex != NULL ? PyTuple_Pack(2, text, hex) : NULL;
    Py_XDECREF(text);
    Py_XDECREF(hex);
    return both;
}

/* Compare as hmac.compare_digest does: in time that depends on the lengths alone. */
static PyObject *same(const void *ours, size_t size, PyObject *theirs)
{
    char *data;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(theirs, &data, &length) < 0)
        return NULL;
    return PyBool_FromLong((size_t)length == size && CRYPTO_memcmp(ours, data, size) == 0);
}

static PyObject *mac_is_digest(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    unsigned char mac[LONGEST_MAC];
    if (!are(2, count) || !mac_of(self, args[0], mac))
        return NULL;
    PyObject *answer = same(mac, mac_size((Mac *)self), args[1]);
    OPENSSL_cleanse(mac, sizeof mac); /* it was not asked for: it would be a valid signature of another's request */
    return answer;
}

static PyObject *mac_is_base64(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    unsigned char mac[LONGEST_MAC];
    char text[LONGEST_MAC * 2];
    if (!are(2, count) || !mac_of(self, args[0], mac))
        return NULL;
    PyObject *answer = same(text, as_base64(mac, mac_size((Mac *)self), text), args[1]);
    OPENSSL_cleanse(mac, sizeof mac);
    OPENSSL_cleanse(text, sizeof text);
    return answer;
}

static PyObject *mac_repr(PyObject *self)
{
    (void)self;
    return PyUnicode_FromString("Mac(\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2)"); /* as a Secret shows itself */
}

static PyMethodDef mac_methods[] = {
    {"digest", mac_digest, METH_O, NULL},
    {"base64", mac_base64, METH_O, NULL},
    {"hex", mac_hex, METH_O, NULL},
    {"hex_around", (PyCFunction)(void (*)(void))mac_hex_around, METH_FASTCALL, NULL},
    {"is_digest", (PyCFunction)(void (*)(void))mac_is_digest, METH_FASTCALL, NULL},
    {"is_base64", (PyCFunction)(void (*)(void))mac_is_base64, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot mac_slots[] = {
    {Py_tp_new, mac_new}, {Py_tp_dealloc, mac_dealloc}, {Py_tp_repr, mac_repr},
    {Py_tp_methods, mac_methods}, {0, NULL}};

static PyType_Spec mac_spec = {
    "keywright.protocol._native.Mac", sizeof(Mac), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, mac_slots};

/* ── headers ────────────────────────────────────────────────────────────────────────────────────────────────────── */

enum { MOST_NAMES = 8 };

typedef struct {
    PyObject_HEAD
    Py_ssize_t count;
    PyObject *names[MOST_NAMES];
    const char *texts[MOST_NAMES];
    Py_ssize_t lengths[MOST_NAMES];
} Headers;

static PyObject *headers_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *names;
    if (keywords != NULL) {
        PyErr_SetString(PyExc_TypeError, "Headers takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &names))
        return NULL;
    Py_ssize_t count = PyTuple_Size(names);
    if (count > MOST_NAMES) {
        PyErr_SetString(PyExc_ValueError, "too many names");
        return NULL;
    }
    Headers *self = (Headers *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    for (Py_ssize_t n = 0; self != NULL && n < count; n++) {
        PyObject *name = PyTuple_GetItem(names, n);
        char *text;
        if (PyBytes_AsStringAndSize(name, &text, &self->lengths[n]) < 0) {
            Py_CLEAR(self);
            break;
        }
        Py_INCREF(name);
        self->names[n] = name;
        self->texts[n] = text;
        self->count = n + 1;
    }
    return (PyObject *)self;
}

static void headers_dealloc(PyObject *object)
{
    Headers *self = (Headers *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (Py_ssize_t n = 0; n < self->count; n++)
        Py_DECREF(self->names[n]);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

/* Return the value of each name, in the order of the names. None where one is missing or came twice, and for what is no
   tuple of pairs of bytes: Python says what is wrong. */
static PyObject *headers_find(PyObject *object, PyObject *pairs)
{
    Headers *self = (Headers *)object;
    PyObject *found[MOST_NAMES] = {NULL};
    if (!PyTuple_CheckExact(pairs))
        Py_RETURN_NONE;
    Py_ssize_t count = PyTuple_Size(pairs), left = self->count, length;
    for (Py_ssize_t n = 0; n < count; n++) {
        PyObject *pair = PyTuple_GetItem(pairs, n); /* borrowed: `pairs` outlives this call, and so what it holds */
        if (!PyTuple_CheckExact(pair) || PyTuple_Size(pair) != 2)
            Py_RETURN_NONE;
        PyObject *name = PyTuple_GetItem(pair, 0);
        char *text;
        if (!PyBytes_CheckExact(name))
            Py_RETURN_NONE;
        PyBytes_AsStringAndSize(name, &text, &length);
        for (Py_ssize_t which = 0; which < self->count; which++)
            if (self->lengths[which] == length && memcmp(self->texts[which], text, (size_t)length) == 0) {
                PyObject *value = PyTuple_GetItem(pair, 1);
                if (found[which] != NULL || !PyBytes_CheckExact(value))
                    Py_RETURN_NONE;
                found[which] = value;
                left--;
                break;
            }
    }
    if (left != 0)
        Py_RETURN_NONE;
    PyObject *values = PyTuple_New(self->count);
    for (Py_ssize_t n = 0; values != NULL && n < self->count; n++) {
        Py_INCREF(found[n]);
        PyTuple_SetItem(values, n, found[n]);
    }
    return values;
}

static PyMethodDef headers_methods[] = {{"find", headers_find, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static PyType_Slot headers_slots[] = {
    {Py_tp_new, headers_new}, {Py_tp_dealloc, headers_dealloc}, {Py_tp_methods, headers_methods}, {0, NULL}};

static PyType_Spec headers_spec = {"keywright.protocol._native.Headers", sizeof(Headers), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, headers_slots};

/* ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* What stands in a string as it is, for a reader of any encoding: printable ASCII without `"` and `\`. */
static int is_plain(unsigned char sign) { return sign >= 0x20 && sign < 0x7F && sign != '"' && sign != '\\'; }

/* What JSON has no need to escape: also everything beyond ASCII, and DEL. */
static int needs_no_escape(unsigned char sign) { return sign >= 0x20 && sign != '"' && sign != '\\'; }

enum { LONGEST_OBJECT = 2048 };

/* Return an object as compact JSON in UTF-8 if all its names and values are `str`, need no escaping and are no halves of
   surrogate pairs, and it is not long. None for any other: Python writes it. */
static PyObject *text_object(PyObject *module, PyObject *fields)
{
    (void)module;
    char written[LONGEST_OBJECT], *end = written;
    PyObject *pair[2];
    Py_ssize_t at = 0, length;
    if (!PyDict_CheckExact(fields))
        Py_RETURN_NONE;
    *end++ = '{';
    while (PyDict_Next(fields, &at, &pair[0], &pair[1]))
        for (int n = 0; n < 2; n++) {
            if (!PyUnicode_CheckExact(pair[n]))
                Py_RETURN_NONE;
            const char *text = PyUnicode_AsUTF8AndSize(pair[n], &length);
            if (text == NULL) {
                PyErr_Clear();
                Py_RETURN_NONE;
            }
            if (length > LONGEST_OBJECT - 3 - (end - written)) /* two quotes, and a sign that closes or parts */
                Py_RETURN_NONE;
            int plain = 1;
            *end++ = '"';
            for (Py_ssize_t m = 0; m < length; m++) {
                plain &= needs_no_escape((unsigned char)text[m]);
                end[m] = text[m];
            }
            if (!plain)
                Py_RETURN_NONE;
            end += length;
            *end++ = '"';
            *end++ = n == 0 ? ':' : ',';
        }
    if (end == written + 1)
        end++; /* an empty object has no comma to overwrite */
    end[-1] = '}';
    return PyBytes_FromStringAndSize(written, end - written);
}

enum { DEEPEST = 8, MOST_FIELDS = 32, MOST_DIGITS = 30 };

typedef struct {
    const char *text;
    size_t length;
} Name;

/* Each of these returns where it ended, or NULL for what is not plain. `end` points to the NUL that bytes have behind
   them; it stands in no token, so that looking at `*at` never goes beyond it. */

static const char *after_space(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

static const char *after_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (is_plain((unsigned char)*at))
        at++;
    return *at == '"' ? at + 1 : NULL;
}

static int is_digit(char sign) { return sign >= '0' && sign <= '9'; }

static const char *after_digits(const char *at)
{
    const char *first = at;
    while (is_digit(*at))
        at++;
    return at > first && at - first <= MOST_DIGITS ? at : NULL;
}

/* Without an exponent. */
static const char *after_number(const char *at)
{
    if (*at == '-')
        at++;
    if (*at == '0' && is_digit(at[1]))
        return NULL;
    at = after_digits(at);
    return at != NULL && *at == '.' ? after_digits(at + 1) : at;
}

static const char *after_value(const char *at, int depth);

static const char *after_array(const char *at, int depth)
{
    at = after_space(at + 1);
    if (*at == ']')
        return at + 1;
    while ((at = after_value(at, depth)) != NULL) {
        at = after_space(at);
        if (*at == ']')
            return at + 1;
        if (*at != ',')
            return NULL;
        at = after_space(at + 1);
    }
    return NULL;
}

static const char *after_object(const char *at, int depth)
{
    Name names[MOST_FIELDS];
    at = after_space(at + 1);
    if (*at == '}')
        return at + 1;
    for (int count = 0; count < MOST_FIELDS; count++) {
        const char *name = at;
        if ((at = after_string(at)) == NULL)
            return NULL;
        size_t length = (size_t)(at - name);
        for (int n = 0; n < count; n++)
            if (names[n].length == length && memcmp(names[n].text, name, length) == 0)
                return NULL; /* twice: two readers might take one each */
        names[count] = (Name){name, length};
        at = after_space(at);
        if (*at != ':' || (at = after_value(after_space(at + 1), depth)) == NULL)
            return NULL;
        at = after_space(at);
        if (*at == '}')
            return at + 1;
        if (*at != ',')
            return NULL;
        at = after_space(at + 1);
    }
    return NULL;
}

static const char *after_value(const char *at, int depth)
{
    switch (*at) {
    case '"':
        return after_string(at);
    case '{':
        return depth < DEEPEST ? after_object(at, depth + 1) : NULL;
    case '[':
        return depth < DEEPEST ? after_array(at, depth + 1) : NULL;
    case 't':
        return strncmp(at, "true", 4) == 0 ? at + 4 : NULL;
    case 'f':
        return strncmp(at, "false", 5) == 0 ? at + 5 : NULL;
    case 'n':
        return strncmp(at, "null", 4) == 0 ? at + 4 : NULL;
    default:
        return after_number(at);
    }
}

/* Tell whether `body` is an object or array of plain JSON, one that every parser reads alike: printable ASCII without
   escapes, no name twice, nothing deep, no long numbers, no exponents. False says nothing: `strict_json` decides. */
static PyObject *is_plain_json(PyObject *module, PyObject *body)
{
    (void)module;
    if (!PyBytes_Check(body))
        Py_RETURN_FALSE;
    const char *text = PyBytes_AsString(body), *end = text + PyBytes_Size(body);
    if (*text != '{' && *text != '[')
        Py_RETURN_FALSE;
    return PyBool_FromLong(after_value(text, 0) == end);
}

/* Do as `tuple.__new__(type, items)` does, for `type` a subclass of tuple with nothing of its own, in a third of the time. */
static PyObject *made(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (!are(2, count))
        return NULL;
    if (!PyType_Check(args[0]) || !PyType_IsSubtype((PyTypeObject *)args[0], &PyTuple_Type) ||
        !PyTuple_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "a subclass of tuple and a tuple are needed");
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)args[0];
    Py_ssize_t size = PyTuple_Size(args[1]);
    PyObject *tuple = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, size);
    for (Py_ssize_t n = 0; tuple != NULL && n < size; n++) {
        PyObject *item = PyTuple_GetItem(args[1], n);
        Py_INCREF(item);
        PyTuple_SetItem(tuple, n, item);
    }
    return tuple;
}

static PyMethodDef functions[] = {
    {"made", (PyCFunction)(void (*)(void))made, METH_FASTCALL, NULL},
    {"text_object", text_object, METH_O, NULL},
    {"is_plain_json", is_plain_json, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* ── the module ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static int add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, name, type) < 0;
    Py_XDECREF(type);
    return failed;
}

static int fill(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "VERSION", VERSION) < 0 || add_type(module, "Mac", &mac_spec) ||
        add_type(module, "Headers", &headers_spec))
        return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "keywright.protocol._native", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
