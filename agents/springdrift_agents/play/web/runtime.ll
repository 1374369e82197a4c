; What the compiled kernel expects around it: memory that is given back all at once, square roots, reshaping.
@__heap_base = external global i8
@top = internal global ptr @__heap_base

define ptr @alloc(i32 %size) {
  %old = load ptr, ptr @top
  %at = ptrtoint ptr %old to i32
  %up = add i32 %at, 63
  %place = and i32 %up, -64
  %end = add i32 %place, %size
  %pointer = inttoptr i32 %place to ptr
  %next = inttoptr i32 %end to ptr
  store ptr %next, ptr @top
  ret ptr %pointer
}

define ptr @mark() {
  %old = load ptr, ptr @top
  ret ptr %old
}

define void @release(ptr %to) {
  store ptr %to, ptr @top
  ret void
}

define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %bytes = trunc i64 %size to i32
  %data = call ptr @alloc(i32 %bytes)
  %info = call ptr @alloc(i32 ptrtoint (ptr getelementptr ({ i64, ptr, ptr, ptr, i64 }, ptr null, i32 1) to i32))
  store i64 1, ptr %info
  %field = getelementptr { i64, ptr, ptr, ptr, i64 }, ptr %info, i32 0, i32 3
  store ptr %data, ptr %field
  ret ptr %info
}

define void @NRT_MemInfo_call_dtor(ptr %info) {
  ret void
}

declare float @llvm.sqrt.f32(float)
declare double @llvm.sqrt.f64(double)
define float @sqrtf(float %x) {
  %y = call float @llvm.sqrt.f32(float %x)
  ret float %y
}
define double @sqrt(double %x) {
  %y = call double @llvm.sqrt.f64(double %x)
  ret double %y
}

define i32 @numba_attempt_nocopy_reshape(i64 %nd, ptr %dims, ptr %strides, i64 %count, ptr %shape, ptr %steps, i64 %size, i32 %f) {
entry:
  br label %test
test:
  %left = phi i64 [ %count, %entry ], [ %k, %body ]
  %step = phi i64 [ %size, %entry ], [ %longer, %body ]
  %more = icmp sgt i64 %left, 0
  br i1 %more, label %body, label %done
body:
  %k = sub i64 %left, 1
  %to = getelementptr i64, ptr %steps, i64 %k
  store i64 %step, ptr %to
  %of = getelementptr i64, ptr %shape, i64 %k
  %length = load i64, ptr %of
  %longer = mul i64 %step, %length
  br label %test
done:
  ret i32 1
}
