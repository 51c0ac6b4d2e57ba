#include "textflag.h"

// func sumRowsAVX2(dst, table *float32, ids *int32, n, dim int)
// Sums strips of 16 columns, then one of 8. The sums of a strip stay in registers while all rows are added.
TEXT ·sumRowsAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ table+8(FP), SI
	MOVQ ids+16(FP), R8
	MOVQ n+24(FP), R9
	MOVQ dim+32(FP), R10
	MOVQ R10, R11
	SHLQ $2, R11          // bytes of a row

strip16:
	CMPQ R10, $16
	JL   strip8
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	XORQ CX, CX

row16:
	MOVLQSX (R8)(CX*4), AX
	IMULQ R11, AX
	VADDPS (SI)(AX*1), Y0, Y0
	VADDPS 32(SI)(AX*1), Y1, Y1
	INCQ CX
	CMPQ CX, R9
	JL   row16
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $64, DI
	ADDQ $64, SI
	SUBQ $16, R10
	JMP  strip16

strip8:
	CMPQ R10, $8
	JL   done
	VMOVUPS (DI), Y0
	XORQ CX, CX

row8:
	MOVLQSX (R8)(CX*4), AX
	IMULQ R11, AX
	VADDPS (SI)(AX*1), Y0, Y0
	INCQ CX
	CMPQ CX, R9
	JL   row8
	VMOVUPS Y0, (DI)

done:
	VZEROUPPER
	RET

// func sumFoursAVX2(dst, table *float32, ids *int32, n, dim int)
// Uses the same strips. Adds up four rows before it adds them to the sums of the strip.
TEXT ·sumFoursAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ table+8(FP), SI
	MOVQ ids+16(FP), R8
	MOVQ n+24(FP), R9
	MOVQ dim+32(FP), R10
	MOVQ R10, R11
	SHLQ $2, R11          // bytes of a row

fours16:
	CMPQ R10, $16
	JL   fours8
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	XORQ CX, CX

four16:
	MOVLQSX (R8)(CX*4), AX
	MOVLQSX 4(R8)(CX*4), BX
	MOVLQSX 8(R8)(CX*4), DX
	MOVLQSX 12(R8)(CX*4), R12
	IMULQ R11, AX
	IMULQ R11, BX
	IMULQ R11, DX
	IMULQ R11, R12
	VMOVUPS (SI)(AX*1), Y2
	VMOVUPS 32(SI)(AX*1), Y3
	VADDPS (SI)(BX*1), Y2, Y2
	VADDPS 32(SI)(BX*1), Y3, Y3
	VADDPS (SI)(DX*1), Y2, Y2
	VADDPS 32(SI)(DX*1), Y3, Y3
	VADDPS (SI)(R12*1), Y2, Y2
	VADDPS 32(SI)(R12*1), Y3, Y3
	VADDPS Y2, Y0, Y0
	VADDPS Y3, Y1, Y1
	ADDQ $4, CX
	CMPQ CX, R9
	JL   four16
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $64, DI
	ADDQ $64, SI
	SUBQ $16, R10
	JMP  fours16

fours8:
	CMPQ R10, $8
	JL   foursDone
	VMOVUPS (DI), Y0
	XORQ CX, CX

four8:
	MOVLQSX (R8)(CX*4), AX
	MOVLQSX 4(R8)(CX*4), BX
	MOVLQSX 8(R8)(CX*4), DX
	MOVLQSX 12(R8)(CX*4), R12
	IMULQ R11, AX
	IMULQ R11, BX
	IMULQ R11, DX
	IMULQ R11, R12
	VMOVUPS (SI)(AX*1), Y2
	VADDPS (SI)(BX*1), Y2, Y2
	VADDPS (SI)(DX*1), Y2, Y2
	VADDPS (SI)(R12*1), Y2, Y2
	VADDPS Y2, Y0, Y0
	ADDQ $4, CX
	CMPQ CX, R9
	JL   four8
	VMOVUPS Y0, (DI)

foursDone:
	VZEROUPPER
	RET

// func moveRowsAVX2(table, accum, weights, grad *float32, ids *int32, n, dim int, size, rate, keep float32)
TEXT ·moveRowsAVX2(SB), NOSPLIT, $0-68
	MOVQ table+0(FP), SI
	MOVQ accum+8(FP), DI
	MOVQ weights+16(FP), R13
	MOVQ grad+24(FP), R12
	MOVQ ids+32(FP), R8
	MOVQ n+40(FP), R9
	MOVQ dim+48(FP), R10
	VMOVSS size+56(FP), X5
	VMOVSS rate+60(FP), X6
	VBROADCASTSS keep+64(FP), Y7
	MOVQ R10, R11
	SHLQ $2, R11          // bytes of a row
	XORQ CX, CX

row:
	MOVLQSX (R8)(CX*4), AX
	VMOVSS (DI)(AX*4), X0
	VADDSS X5, X0, X0
	VMOVSS X0, (DI)(AX*4)
	VSQRTSS X0, X0, X0
	VDIVSS X0, X6, X0
	VMULSS (R13)(AX*4), X0, X0 // the step
	VBROADCASTSS X0, Y0
	IMULQ R11, AX
	ADDQ SI, AX
	XORQ DX, DX

column:
	VMULPS (AX)(DX*1), Y7, Y1
	VMULPS (R12)(DX*1), Y0, Y2
	VSUBPS Y2, Y1, Y1
	VMOVUPS Y1, (AX)(DX*1)
	ADDQ $32, DX
	CMPQ DX, R11
	JL   column
	INCQ CX
	CMPQ CX, R9
	JL   row
	VZEROUPPER
	RET
